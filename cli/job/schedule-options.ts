import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ReplaceScheduleBody, ScheduleBody, ScheduleResource } from '../../api/contract.ts';
import { ITEM_ACTIONS, type ItemAction } from '../../domain/action.ts';
import { parseSeconds } from '../../domain/duration.ts';
import { changedLimits } from '../../domain/limits.ts';
import { OVERLAPS, type Overlap, SCAN_MODES, type ScanMode } from '../../domain/schedule/schedule.ts';
import { sizeArgument } from '../commands/scan.ts';
import { type BrakeOption, brakeArgument } from './brake.ts';
import { addLimitOptions, type LimitOptions, limitsChange } from './limit-options.ts';

/** What `dsx schedule create` and `edit` take. */
export interface ScheduleOptions extends LimitOptions {
  readonly connector?: string;
  readonly cron?: readonly string[];
  readonly every?: number;
  readonly offset?: number;
  readonly timeZone?: string;
  readonly jitter?: number | 'none';
  readonly startAt?: string;
  readonly endAt?: string;
  readonly overlap?: Overlap;
  readonly mode?: ScanMode;
  readonly action?: ItemAction;
  readonly filter?: string;
  readonly quarantine?: string;
  readonly maxSize?: number;
  readonly dryRun?: boolean;
  readonly maxActions?: BrakeOption;
  readonly scanner?: string;
  readonly weight?: number;
}

export function addScheduleOptions(command: Command): Command {
  command
    .option('--cron <expression>', 'when, as "30 2 * * mon-fri" or @daily; may be given again', cronArgument)
    .option('--every <time>', 'when, as 6h, counted from 1970-01-01T00:00Z', timeArgument)
    .option('--offset <time>', 'so much later than that, as 30m', timeArgument)
    .option('--time-zone <zone>', 'whose wall clock --cron goes by, as Europe/Zurich (default: UTC)')
    .option('--jitter <time>', 'put each time off by a random length up to this; none: take it away', noneOrTime)
    .option('--start-at <moment>', 'no time before, as 2027-01-31T22:00:00Z; none: take it away')
    .option('--end-at <moment>', 'no time after; none: take it away')
    .addOption(
      new Option('--overlap <policy>', 'a time that comes during a run is left out, or one is kept for later').choices(
        OVERLAPS,
      ),
    )
    .addOption(new Option('--mode <mode>', 'scan everything, or what has changed (default: full)').choices(SCAN_MODES))
    .addOption(
      new Option('--action <action>', "what is done to malicious items (default: the connector's)").choices(
        ITEM_ACTIONS,
      ),
    )
    .option('--filter <text>', "what is inside the scan (default: the connector's)")
    .option('--quarantine <place>', "where malicious items are moved to (default: the connector's)")
    .option('--max-size <bytes>', 'skip larger items, as "512 MiB"', sizeArgument)
    .option('--dry-run', 'the scans plan their actions and touch nothing')
    .option(
      '--max-actions <n[/time]>',
      'at most so many actions in the time; the rest waits for approval',
      brakeArgument,
    )
    .option('--scanner <name>', 'which scanner judges')
    .option('--weight <number>', 'share of the workers beside other jobs, 0.1 to 100', Number);
  return addLimitOptions(command);
}

/** What a schedule is to be: what was there, with what the options change. A new `--cron` or `--every` takes the place of the old times. */
export function scheduleBody(options: ScheduleOptions, before: ScheduleBody): ScheduleBody {
  const { cron, every, offset, timeZone, jitter, startAt, endAt, connector, overlap, mode, weight, maxActions } =
    options;
  const { action, filter, quarantine, maxSize, dryRun, scanner } = options;
  const { limits: old, ...rest } = before;
  const body: Record<string, unknown> = { ...rest };
  if (cron !== undefined || every !== undefined)
    for (const field of ['cron', 'every', 'offset', 'calendars']) delete body[field];
  const given = {
    ...{ cron, every, offset, timeZone, jitter, startAt, endAt, connector, overlap, mode, weight },
    ...{ action, filter, quarantine, maxSize, dryRun, scanner, ...maxActions },
  };
  for (const [field, value] of Object.entries(given)) {
    if (value === 'none' && ['jitter', 'startAt', 'endAt'].includes(field)) delete body[field];
    else if (value !== undefined) body[field] = value;
  }
  const limits = changedLimits(old ?? {}, limitsChange(options) ?? {});
  return { ...(body as unknown as ScheduleBody), ...(Object.keys(limits).length > 0 && { limits }) };
}

/** A schedule as `PUT` takes it. */
export function bodyOf(schedule: ScheduleResource): ReplaceScheduleBody {
  const { connector, mode, overlap, spec, scan, weight, limits, revision } = schedule;
  return {
    ...spec,
    ...scan,
    connector,
    mode,
    overlap,
    revision,
    ...(weight !== undefined && { weight }),
    ...(limits !== undefined && { limits }),
  };
}

function cronArgument(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function timeArgument(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds === undefined) throw new InvalidArgumentError('A length of time, as 30m, 6h or 1d.');
  return seconds;
}

function noneOrTime(text: string): number | 'none' {
  return text.trim().toLowerCase() === 'none' ? 'none' : timeArgument(text);
}
