import { DAYS, type Hours } from './limits.ts';

/** Time zones need the system's tables: this is nothing for workflow code, which would not replay by other tables. */

/** Whether a job may work at a moment, and when that changes next. */
export interface HoursAnswer {
  readonly open: boolean;
  /** Unix time in milliseconds, a whole minute. Absent when it never changes. */
  readonly until?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Every span comes again within a week; the clock may skip it once, when it is put forward. */
const HORIZON_DAYS = 16;

/** True when the system knows this time zone by a name (not by an offset such as `+02:00`). */
export function knowsTimeZone(timeZone: string): boolean {
  try {
    wallClock(timeZone);
    return /^[A-Za-z]/.test(timeZone);
  } catch {
    return false;
  }
}

/**
 * Open is every moment at which the wall clock of the time zone shows a time inside a span. So a time that the clock skips does not
 * come, and one that it shows twice comes twice.
 * @param now Unix time in milliseconds
 * @throws RangeError for a time zone that the system does not know
 */
export function hoursAt(hours: Hours, now: number): HoursAnswer {
  const clock = wallClock(hours.timeZone);
  const week = openMinutes(hours);
  const openAt = (moment: number): boolean => {
    const local = moment + clock.offset(moment);
    return week[minuteOfWeek(local)] === 1;
  };
  const open = openAt(now);
  const until = changesAfter(now, clock, week).find((moment) => openAt(moment) !== open);
  return until === undefined ? { open } : { open, until };
}

/** Each minute of a week, from Monday 00:00: 1 when it is inside a span. */
function openMinutes({ spans }: Hours): Uint8Array {
  const week = new Uint8Array(7 * 1440);
  for (const { days, from, to } of spans) {
    const start = minuteOf(from);
    const length = minuteOf(to) > start ? minuteOf(to) - start : minuteOf(to) + 1440 - start;
    for (const day of days) {
      const first = DAYS.indexOf(day) * 1440 + start;
      for (let minute = first; minute < first + length; minute++) week[minute % week.length] = 1;
    }
  }
  return week;
}

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** Of a local time, as if it were UTC. 1970 began on a Thursday. */
function minuteOfWeek(local: number): number {
  const minute = Math.floor(local / MINUTE) + 3 * 1440;
  return ((minute % 10_080) + 10_080) % 10_080;
}

/** The moments after `now` at which the answer may change, in order: edges of spans, and steps of the clock. */
function changesAfter(now: number, clock: WallClock, week: Uint8Array): number[] {
  const end = now + HORIZON_DAYS * DAY;
  const steps = clock.steps(now - DAY, end);
  const offsets = new Set([clock.offset(now), clock.offset(end), ...steps.map((step) => clock.offset(step))]);
  const edges = week.reduce<number[]>((found, open, minute) => {
    if (open !== week[(minute + week.length - 1) % week.length]) found.push(minute);
    return found;
  }, []);
  const moments = new Set(steps);
  for (const offset of offsets) {
    const local = now + offset;
    const monday = Math.floor(local / MINUTE) * MINUTE - minuteOfWeek(local) * MINUTE;
    for (let start = monday; start <= end + offset; start += 7 * DAY) {
      for (const edge of edges) moments.add(start + edge * MINUTE - offset);
    }
  }
  return [...moments].filter((moment) => moment > now && moment <= end).sort((a, b) => a - b);
}

export interface WallClock {
  /** What the wall clock is ahead of UTC, in milliseconds. */
  offset(moment: number): number;
  /** The moments in (from, to] at which the offset becomes another one. */
  steps(from: number, to: number): number[];
}

const clocks = new Map<string, WallClock>();

/** The wall clock of a time zone. @throws RangeError when the system does not know it */
export function wallClock(timeZone: string): WallClock {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offset = (moment: number): number => {
    const whole = Math.floor(moment / 1000) * 1000;
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(whole)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
  };
  const steps = (from: number, to: number): number[] => {
    const found: number[] = [];
    for (let at = from; at < to; at += 6 * HOUR) {
      let [low, high] = [at, Math.min(at + 6 * HOUR, to)];
      if (offset(low) === offset(high)) continue;
      const before = offset(low);
      while (high - low > 1000) {
        const middle = low + Math.floor((high - low) / 2);
        if (offset(middle) === before) low = middle;
        else high = middle;
      }
      found.push(Math.floor(high / 1000) * 1000);
    }
    return found;
  };
  const clock = { offset, steps };
  clocks.set(timeZone, clock);
  return clock;
}
