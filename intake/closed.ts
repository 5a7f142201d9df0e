import { type Intake, IntakeError } from './intake.ts';

const LATER_MS = 10_000;

/** An intake that takes nothing, for processes that have none: whoever offers events keeps them. */
export function closedIntake(): Intake {
  return {
    add: (connector) =>
      Promise.reject(new IntakeError('unavailable', `nothing here takes the events of ${connector}`, LATER_MS)),
    close: () => Promise.resolve(),
  };
}
