import { type WallClock, wallClock } from '../hours.ts';
import { type Calendar, calendarsOf } from './cron.ts';
import type { ScheduleSpec } from './schedule.ts';

/** Time zones need the system's tables: this is nothing for workflow code. */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** The longest wait for a 29th of February is eight years; with a day of the week as well, forty. */
const HORIZON_DAYS = 41 * 366;

/**
 * The next times of a spec behind `now`, at most `count`, as Temporal finds them, without jitter. A wall clock time that its zone
 * skips does not come, and one that it shows twice
 * comes once where the clock is ahead of UTC, else twice; several times an hour, Temporal may leave some out around that hour.
 * @param now Unix time in milliseconds, as the answers are
 * @throws CronTextError, RangeError for a time zone that the system does not know
 */
export function nextTimes(spec: ScheduleSpec, now: number, count: number): number[] {
  const from = Math.max(now, spec.startAt === undefined ? now : Date.parse(spec.startAt) - 1);
  const last = spec.endAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.endAt);
  const times = spec.every === undefined ? calendarTimes(spec, from, last) : steadyTimes(spec, from);
  const found: number[] = [];
  for (const time of times) {
    if (found.length >= count || time > last) break;
    found.push(time);
  }
  return found;
}

function* steadyTimes({ every = 0, offset = 0 }: ScheduleSpec, from: number): Generator<number> {
  const [step, phase] = [every * 1000, offset * 1000];
  for (let n = Math.floor((from - phase) / step) + 1; ; n++) yield n * step + phase;
}

/** Day by day of the wall clock, from the day before `from`: a day is at most 26 hours away from its UTC day. */
function* calendarTimes(spec: ScheduleSpec, from: number, last: number): Generator<number> {
  const calendars = calendarsOf(spec);
  const clock = wallClock(spec.timeZone ?? 'UTC');
  const first = Math.floor((from + clock.offset(from)) / DAY) - 1;
  const seen = new Set<number>();
  for (let day = first; day < first + HORIZON_DAYS; day++) {
    const minutes = new Set(calendars.flatMap((calendar) => minutesOf(calendar, day)));
    if (minutes.size === 0) continue;
    if (day * DAY - 2 * DAY > last) return;
    const moments = [...minutes].flatMap((minute) => momentsOf(day * DAY + minute * MINUTE, clock));
    for (const moment of moments.sort((a, b) => a - b)) {
      if (moment <= from || seen.has(moment)) continue;
      seen.add(moment);
      yield moment;
    }
  }
}

/**
 * The moments at which a wall clock shows a time (as if it were UTC). Temporal finds the moment by the offset that holds at that time
 * in UTC, and goes on from there: of two it finds both where the clock is behind UTC, and the later one alone where it is ahead.
 */
function momentsOf(local: number, clock: WallClock): number[] {
  const found = local - clock.offset(local - clock.offset(local));
  const offsets = new Set([clock.offset(found - DAY), clock.offset(found), clock.offset(found + DAY)]);
  const moments = [...offsets].map((offset) => local - offset).filter((at) => clock.offset(at) === local - at);
  return moments.filter((at) => at >= found);
}

/** Minutes of a local day (days since 1970-01-01, a Thursday) that match. */
function minutesOf(calendar: Calendar, day: number): number[] {
  const date = new Date(day * DAY);
  const matches =
    calendar.daysOfWeek.includes(date.getUTCDay()) &&
    calendar.daysOfMonth.includes(date.getUTCDate()) &&
    calendar.months.includes(date.getUTCMonth() + 1) &&
    (calendar.years?.includes(date.getUTCFullYear()) ?? true);
  if (!matches) return [];
  return calendar.hours.flatMap((hour) => calendar.minutes.map((minute) => hour * 60 + minute));
}
