import { secondsText } from '../duration.ts';
import { knowsTimeZone } from '../hours.ts';
import { CronTextError, calendarOf, parseCron } from './cron.ts';
import { EVERY_RANGE, LONGEST_JITTER, MOST_TIMES, type ScheduleSpec } from './schedule.ts';
import { nextTimes } from './times.ts';

export interface SpecFault {
  /** With dots, as `cron.0`; empty: the spec itself. */
  readonly field: string;
  readonly message: string;
}

/** What is wrong with a spec, and where; undefined when nothing is. @param now Unix time in milliseconds */
export function specFault(spec: ScheduleSpec, now: number): SpecFault | undefined {
  return kindFault(spec) ?? boundsFault(spec) ?? timesFault(spec) ?? neverFault(spec, now);
}

function kindFault({ cron, every, calendars, offset }: ScheduleSpec): SpecFault | undefined {
  const named = [cron, every, calendars].filter((kind) => kind !== undefined).length;
  if (named !== 1) {
    const message = named === 0 ? 'say when: by cron, by every or by calendars' : 'name only one of them';
    return { field: named === 0 ? '' : 'every', message };
  }
  for (const [field, list] of Object.entries({ cron, calendars })) {
    if (list === undefined || (list.length >= 1 && list.length <= MOST_TIMES)) continue;
    return { field, message: `must be 1 to ${MOST_TIMES}` };
  }
  if (offset !== undefined && every === undefined) return { field: 'offset', message: 'goes with every' };
  return undefined;
}

function boundsFault({ every, offset, jitter, timeZone, startAt, endAt }: ScheduleSpec): SpecFault | undefined {
  const [least, most] = EVERY_RANGE;
  const whole = (n: number | undefined, from: number, to: number): boolean =>
    n === undefined || (Number.isSafeInteger(n) && n >= from && n <= to);
  if (!whole(every, least, most))
    return { field: 'every', message: `must be from ${secondsText(least)} to ${secondsText(most)}` };
  if (!whole(offset, 0, (every ?? 1) - 1)) return { field: 'offset', message: 'must be shorter than every' };
  if (!whole(jitter, 0, LONGEST_JITTER))
    return { field: 'jitter', message: `must be at most ${secondsText(LONGEST_JITTER)}` };
  if (timeZone !== undefined && !knowsTimeZone(timeZone)) {
    const message = `there is no time zone ${JSON.stringify(timeZone)}; name one as Europe/Zurich or UTC`;
    return { field: 'timeZone', message };
  }
  for (const [field, at] of Object.entries({ startAt, endAt })) {
    if (at !== undefined && !(INSTANT.test(at) && Number.isFinite(Date.parse(at))))
      return {
        field,
        message: 'must be a moment with its offset, as 2027-01-31T22:00:00Z or 2027-01-31T22:00:00+01:00',
      };
  }
  if (startAt !== undefined && endAt !== undefined && Date.parse(endAt) < Date.parse(startAt))
    return { field: 'endAt', message: 'lies before startAt' };
  return undefined;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

function timesFault({ cron, calendars }: ScheduleSpec): SpecFault | undefined {
  const parts = [
    ...(cron ?? []).map((text, i) => ({ field: `cron.${i}`, parse: () => void parseCron(text) })),
    ...(calendars ?? []).map((fields, i) => ({ field: `calendars.${i}`, parse: () => void calendarOf(fields) })),
  ];
  for (const { field, parse } of parts) {
    try {
      parse();
    } catch (error) {
      if (!(error instanceof CronTextError)) throw error;
      return { field, message: error.message };
    }
  }
  return undefined;
}

function neverFault(spec: ScheduleSpec, now: number): SpecFault | undefined {
  if (nextTimes(spec, now, 1).length > 0) return undefined;
  const field = spec.endAt !== undefined ? 'endAt' : spec.cron !== undefined ? 'cron' : 'calendars';
  return { field, message: 'no time comes any more' };
}
