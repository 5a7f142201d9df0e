/** Days of a week as limits name them, Monday first. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/**
 * A stretch of the day in which a job may work, on each of `days`. `from` is `00:00` … `23:59`, `to` is `00:01` … `24:00` and not
 * `from`; a `to` before `from` lies on the day after.
 */
export interface HoursSpan {
  readonly days: readonly Day[];
  readonly from: string;
  readonly to: string;
}

/** When a job may work: inside any of the spans, by the wall clocks of a time zone (`Europe/Zurich`, `UTC`). */
export interface Hours {
  readonly timeZone: string;
  readonly spans: readonly HoursSpan[];
}

/** What bounds a job while it runs. What is absent is not limited. Never part of the settings of the scan. */
export interface Limits {
  /** Items that are worked on at once, over all workers. */
  readonly itemsInFlight?: number;
  /** Bytes that are read and sent to the scanner in a second, over all workers. */
  readonly bytesPerSecond?: number;
  /** Items that are begun in a second, over all workers; another try of an item counts again. */
  readonly requestsPerSecond?: number;
  readonly hours?: Hours;
}

/** What is to change: an absent limit stays, `null` takes it away. */
export type LimitsChange = { readonly [Name in keyof Limits]?: Limits[Name] | null };

/** The limits of a job, with who set them last. */
export interface JobLimits extends Limits {
  readonly by: string;
  readonly reason?: string;
  /** ISO 8601. */
  readonly since: string;
}

export const LIMIT_NAMES = ['itemsInFlight', 'bytesPerSecond', 'requestsPerSecond', 'hours'] as const;

/** The smallest and the largest value of each figure. Below 1 KiB/s no file of any size gets through. */
export const LIMIT_RANGES = {
  itemsInFlight: [1, 100_000],
  bytesPerSecond: [1_024, 2 ** 50],
  requestsPerSecond: [1, 1_000_000],
} as const;
export const MAX_SPANS = 32;

/** The limits alone: what is absent stays out. */
export function limitsOf(from: Limits): Limits {
  const { itemsInFlight, bytesPerSecond, requestsPerSecond, hours } = from;
  return {
    ...(itemsInFlight !== undefined && { itemsInFlight }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(hours !== undefined && { hours }),
  };
}

/** The limits after a change. */
export function changedLimits(limits: Limits, change: LimitsChange): Limits {
  const changed: Record<string, unknown> = { ...limitsOf(limits) };
  for (const name of LIMIT_NAMES) {
    const value = change[name];
    if (value === null) delete changed[name];
    else if (value !== undefined) changed[name] = value;
  }
  return limitsOf(changed as Limits);
}

export function sameLimits(a: Limits, b: Limits): boolean {
  return (
    a.itemsInFlight === b.itemsInFlight &&
    a.bytesPerSecond === b.bytesPerSecond &&
    a.requestsPerSecond === b.requestsPerSecond &&
    sameHours(a.hours, b.hours)
  );
}

export function sameHours(a: Hours | undefined, b: Hours | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.timeZone !== b.timeZone || a.spans.length !== b.spans.length) return false;
  return a.spans.every((span, i) => {
    const other = b.spans[i];
    return span.from === other?.from && span.to === other.to && span.days.join() === other.days.join();
  });
}

const FROM = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const TO = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

/**
 * What is wrong with a change of limits, and where: undefined when nothing is. Whether the time zone exists is not looked at here,
 * because that depends on the machine.
 */
export function limitsFault(change: LimitsChange): { readonly field: string; readonly message: string } | undefined {
  for (const name of ['itemsInFlight', 'bytesPerSecond', 'requestsPerSecond'] as const) {
    const value = change[name];
    const [least, most] = LIMIT_RANGES[name];
    if (value === undefined || value === null) continue;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      return { field: name, message: `must be a whole number from ${least} to ${most}, or null for no limit` };
    }
  }
  return change.hours === undefined || change.hours === null ? undefined : hoursFault(change.hours);
}

function hoursFault({ timeZone, spans }: Hours): { field: string; message: string } | undefined {
  if (typeof timeZone !== 'string' || !/^[A-Za-z][A-Za-z0-9_+\-/]{0,63}$/.test(timeZone)) {
    return { field: 'hours.timeZone', message: 'must be the name of a time zone, as Europe/Zurich or UTC' };
  }
  if (!Array.isArray(spans) || spans.length < 1 || spans.length > MAX_SPANS) {
    return {
      field: 'hours.spans',
      message: `must be 1 to ${MAX_SPANS} stretches of time; null for hours takes them away`,
    };
  }
  for (const [i, span] of (spans as readonly HoursSpan[]).entries()) {
    const message = spanFault(span);
    if (message !== undefined) return { field: `hours.spans.${i}`, message };
  }
  return undefined;
}

function spanFault(span: HoursSpan): string | undefined {
  const { days, from, to } = span;
  if (!Array.isArray(days) || days.length === 0 || days.some((day) => !DAYS.includes(day))) {
    return `its days must be some of ${DAYS.join(', ')}`;
  }
  if (new Set(days).size !== days.length) return 'it names a day twice';
  if (typeof from !== 'string' || !FROM.test(from)) return 'from must be a time from 00:00 to 23:59, as 22:00';
  if (typeof to !== 'string' || !TO.test(to)) return 'to must be a time from 00:01 to 24:00, as 06:00';
  if (from === to) return 'from and to are the same; a whole day is 00:00 to 24:00';
  return undefined;
}
