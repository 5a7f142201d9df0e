import { type Command, InvalidArgumentError } from 'commander';
import { parseBytes } from '../../config/fields.ts';
import { knowsTimeZone } from '../../domain/hours.ts';
import { HOURS_EXAMPLE, HoursTextError, parseHours } from '../../domain/hours-text.ts';
import { type Hours, LIMIT_RANGES, type LimitsChange } from '../../domain/limits.ts';

/** The options of limits as commander gives them (it has no use for `null`). */
export interface LimitOptions {
  readonly items?: number | 'none';
  readonly bytes?: number | 'none';
  readonly requests?: number | 'none';
  readonly hours?: Hours | 'none';
}

/** Adds `--items`, `--bytes`, `--requests` and `--hours`. */
export function addLimitOptions(command: Command): Command {
  return command
    .option('--items <n>', 'at most so many items in flight, over all workers; none: no limit', orNone(itemsArgument))
    .option('--bytes <bytes>', 'at most so many bytes a second, as 10MiB; none: no limit', orNone(bytesArgument))
    .option('--requests <n>', 'at most so many items a second; none: no limit', orNone(requestsArgument))
    .option('--hours <hours>', `work only then, as "${HOURS_EXAMPLE}"; none: at any time`, orNone(hoursArgument));
}

/** What the options ask for; undefined when none was given. */
export function limitsChange({ items, bytes, requests, hours }: LimitOptions): LimitsChange | undefined {
  const change: LimitsChange = {
    ...(items !== undefined && { itemsInFlight: orNull(items) }),
    ...(bytes !== undefined && { bytesPerSecond: orNull(bytes) }),
    ...(requests !== undefined && { requestsPerSecond: orNull(requests) }),
    ...(hours !== undefined && { hours: orNull(hours) }),
  };
  return Object.keys(change).length === 0 ? undefined : change;
}

function orNull<T>(value: T | 'none'): T | null {
  return value === 'none' ? null : value;
}

function orNone<T>(parse: (text: string) => T): (text: string) => T | 'none' {
  return (text) => (text.trim().toLowerCase() === 'none' ? 'none' : parse(text));
}

const itemsArgument = (text: string): number =>
  figure(text, Number(text), LIMIT_RANGES.itemsInFlight, 'items in flight');
const requestsArgument = (text: string): number =>
  figure(text, Number(text), LIMIT_RANGES.requestsPerSecond, 'items a second');

function bytesArgument(text: string): number {
  const wanted = text.trim().replace(/\/s$/i, '');
  return figure(text, parseBytes(wanted) ?? Number.NaN, LIMIT_RANGES.bytesPerSecond, 'bytes a second, as 10MiB');
}

function figure(text: string, value: number, [least, most]: readonly [number, number], what: string): number {
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`A whole number of ${what}, from ${least} to ${most}, or none.`);
}

function hoursArgument(text: string): Hours {
  try {
    const hours = parseHours(text);
    if (knowsTimeZone(hours.timeZone)) return hours;
    throw new InvalidArgumentError(`There is no time zone ${hours.timeZone}; name one as Europe/Zurich or UTC.`);
  } catch (error) {
    if (!(error instanceof HoursTextError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}
