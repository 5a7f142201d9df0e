import type { CalendarSpec, ScheduleSpec as TemporalSpec } from '@temporalio/client';
import { type Calendar, calendarOf, parseCron } from '../domain/schedule/cron.ts';
import type { ScheduleSpec } from '../domain/schedule/schedule.ts';

const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

/**
 * A spec in Temporal's words. Cron is sent as calendars, because Temporal wants both the day of the month and the day of the week
 * to match where crontab(5) wants either. @throws CronTextError
 */
export function temporalSpec(spec: ScheduleSpec): TemporalSpec {
  const { cron, every, offset, calendars, timeZone, jitter, startAt, endAt } = spec;
  return {
    ...(every !== undefined && { intervals: [{ every: every * 1000, offset: (offset ?? 0) * 1000 }] }),
    calendars: [
      ...(cron ?? []).flatMap((text) => parseCron(text).map((calendar) => calendarSpec(calendar, text))),
      ...(calendars ?? []).map((fields) => calendarSpec(calendarOf(fields))),
    ],
    timezone: timeZone ?? 'UTC',
    ...(jitter !== undefined && { jitter: jitter * 1000 }),
    ...(startAt !== undefined && { startAt: new Date(startAt) }),
    ...(endAt !== undefined && { endAt: new Date(endAt) }),
  };
}

function calendarSpec(calendar: Calendar, comment?: string): CalendarSpec {
  const { minutes, hours, daysOfMonth, months, daysOfWeek, years } = calendar;
  return {
    minute: ranges(minutes),
    hour: ranges(hours),
    dayOfMonth: ranges(daysOfMonth),
    month: ranges(months).map(({ start, end }) => ({
      start: MONTHS[start - 1] as never,
      end: MONTHS[end - 1] as never,
    })),
    dayOfWeek: ranges(daysOfWeek).map(({ start, end }) => ({ start: DAYS[start] as never, end: DAYS[end] as never })),
    ...(years !== undefined && { year: ranges(years) }),
    ...(comment !== undefined && { comment: `cron ${comment.slice(0, 150)}` }),
  };
}

/** Sorted numbers as stretches without gaps. */
function ranges(numbers: readonly number[]): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (const n of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last.end === n - 1) last.end = n;
    else found.push({ start: n, end: n });
  }
  return found;
}
