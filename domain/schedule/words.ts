import { secondsText } from '../duration.ts';
import type { ScheduleSpec } from './schedule.ts';

/** When, in one line: `cron "30 2 * * mon-fri", Europe/Zurich; put off by up to 10m`. Which moments those are, `nextTimes` tells. */
export function specText(spec: ScheduleSpec): string {
  const { cron, every, offset, calendars, timeZone = 'UTC', jitter, startAt, endAt } = spec;
  const steady = offset
    ? `every ${secondsText(every ?? 0)}, ${secondsText(offset)} later`
    : `every ${secondsText(every ?? 0)}`;
  const when =
    every !== undefined
      ? steady
      : cron !== undefined
        ? `cron ${cron.map((text) => JSON.stringify(text)).join(' and ')}, ${timeZone}`
        : `${(calendars ?? []).map(fieldsText).join(' and ')}, ${timeZone}`;
  const more = [
    ...(jitter ? [`put off by up to ${secondsText(jitter)}`] : []),
    ...(startAt === undefined ? [] : [`from ${startAt}`]),
    ...(endAt === undefined ? [] : [`until ${endAt}`]),
  ];
  return [when, ...more].join('; ');
}

function fieldsText(fields: object): string {
  const text = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
  return text.length === 0 ? 'minute 0 hour 0' : text.join(' ');
}
