import { InvalidArgumentError } from 'commander';
import { parseSeconds } from '../../domain/duration.ts';
import { LONGEST_ACTIONS_WINDOW } from '../../domain/job.ts';

/** `--max-actions`: how many actions, in how many seconds. */
export interface BrakeOption {
  readonly maxActions: number;
  readonly maxActionsWindow?: number;
}

/** `3`, `3/1h`, `3/h`, `0`. @throws InvalidArgumentError */
export function brakeArgument(text: string): BrakeOption {
  const [, digits, time] = /^\s*(\d{1,9})\s*(?:\/\s*(.+))?$/.exec(text) ?? [];
  const seconds = time === undefined ? undefined : parseSeconds(time);
  const wrong = time !== undefined && (seconds === undefined || seconds > LONGEST_ACTIONS_WINDOW);
  if (digits === undefined || wrong) {
    throw new InvalidArgumentError('A number of actions, and a time up to 31d (a day if not given): 3, 3/1h, 100/30m.');
  }
  return { maxActions: Number(digits), ...(seconds !== undefined && { maxActionsWindow: seconds }) };
}
