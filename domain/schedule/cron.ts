import type { CalendarFields, ScheduleSpec } from './schedule.ts';

/** Numbers that match, each list sorted and without repeats. Days of the week: 0 is Sunday. No years: any. */
export interface Calendar {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
  readonly years?: readonly number[];
}

/** A text that is no cron expression: the message names the field, what is wrong, and what it takes. */
export class CronTextError extends Error {}

interface Field {
  readonly name: string;
  readonly range: readonly [number, number];
  /** Names of its numbers, from the first of the range. */
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FULL = {
  month: 'january february march april may june july august september october november december'.split(' '),
  week: 'sunday monday tuesday wednesday thursday friday saturday'.split(' '),
};

const FIELDS = {
  minute: { name: 'minute', range: [0, 59] },
  hour: { name: 'hour', range: [0, 23] },
  dayOfMonth: { name: 'day of month', range: [1, 31] },
  month: { name: 'month', range: [1, 12], names: MONTHS },
  dayOfWeek: { name: 'day of week', range: [0, 7], names: WEEK },
  year: { name: 'year', range: [2000, 2100] },
} as const satisfies Record<string, Field>;

const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Days of the longest of each month. */
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A cron expression of five fields, or a shorthand as `@daily`. As in crontab(5): where both the day of month and the day of week
 * are restricted, a day that matches either of them counts. So there may be two calendars.
 * @throws CronTextError
 */
export function parseCron(text: string): Calendar[] {
  const written = text.trim().toLowerCase();
  if (written.startsWith('@') && SHORTHANDS[written] === undefined) {
    throw new CronTextError(`${written} is no shorthand; there are ${Object.keys(SHORTHANDS).join(', ')}`);
  }
  const words = (SHORTHANDS[written] ?? written).split(/\s+/);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = words;
  if (dayOfWeek === undefined || words.length !== 5) {
    const count = words[0] === '' ? 'none' : words.length;
    throw new CronTextError(
      `it has five fields (minute, hour, day of month, month, day of week), and here are ${count}; as "30 2 * * mon-fri"`,
    );
  }
  const fields = { minute, hour, dayOfMonth, month, dayOfWeek } as Required<Omit<CalendarFields, 'year'>>;
  const either = !fields.dayOfMonth.startsWith('*') && !fields.dayOfWeek.startsWith('*');
  if (!either) return [calendarOf(fields)];
  const byWeek = calendarOf({ ...fields, dayOfMonth: '*' });
  return [calendarOf({ ...fields, dayOfWeek: '*' }), byWeek];
}

/** @throws CronTextError */
export function calendarOf(fields: CalendarFields): Calendar {
  const { year } = fields;
  const calendar: Calendar = {
    minutes: numbersOf(FIELDS.minute, fields.minute ?? '0'),
    hours: numbersOf(FIELDS.hour, fields.hour ?? '0'),
    daysOfMonth: numbersOf(FIELDS.dayOfMonth, fields.dayOfMonth ?? '*'),
    months: numbersOf(FIELDS.month, fields.month ?? '*'),
    daysOfWeek: [...new Set(numbersOf(FIELDS.dayOfWeek, fields.dayOfWeek ?? '*').map((day) => day % 7))].sort(),
    ...(year !== undefined && year.trim() !== '*' && { years: numbersOf(FIELDS.year, year) }),
  };
  const first = calendar.daysOfMonth[0] ?? 1;
  if (calendar.months.every((month) => first > (LONGEST_MONTH[month - 1] ?? 31))) {
    throw new CronTextError(`day of month: none of its months has a day ${first}, so it would never come`);
  }
  return calendar;
}

/** All calendars of a spec; none where it goes by `every`. @throws CronTextError */
export function calendarsOf({ cron, calendars }: ScheduleSpec): Calendar[] {
  return [...(cron ?? []).flatMap(parseCron), ...(calendars ?? []).map(calendarOf)];
}

/** `*`, `5`, `1-5`, `a-b/n`, `*` or a number with `/n`, with commas between. @throws CronTextError */
function numbersOf(field: Field, text: string): number[] {
  const found = new Set<number>();
  for (const part of text.trim().toLowerCase().split(',')) for (const n of rangeOf(field, part.trim())) found.add(n);
  return [...found].sort((a, b) => a - b);
}

function rangeOf(field: Field, part: string): number[] {
  const [least, most] = field.range;
  const [, from = '', to, step] = /^(\*|[a-z]+|\d{1,4})(?:-([a-z]+|\d{1,4}))?(?:\/(\d{1,4}))?$/.exec(part) ?? [];
  if (from === '') throw fault(field, part);
  const first = from === '*' ? least : numberOf(field, from, part);
  // A Sunday that is written 7 at the end of a range is none before the week; `*` stands for each day once.
  const end = field.name === FIELDS.dayOfWeek.name && from === '*' ? 6 : most;
  const last = to !== undefined ? numberOf(field, to, part) : from === '*' || step !== undefined ? end : first;
  const width = step === undefined ? 1 : Number(step);
  if ((from === '*' && to !== undefined) || width < 1 || width > most - least) throw fault(field, part);
  const range: number[] = [];
  const wrapped = field.names === WEEK && last < first ? last + 7 : last;
  if (wrapped < first) {
    throw new CronTextError(`${field.name}: ${part} ends before it begins; write it as two ranges with a comma`);
  }
  for (let n = first; n <= wrapped; n += width) range.push(field.names === WEEK ? n % 7 : n);
  return range;
}

function numberOf(field: Field, word: string, part: string): number {
  const [least, most] = field.range;
  if (/^\d+$/.test(word)) {
    const n = Number(word);
    if (n < least || n > most) throw fault(field, part);
    return n;
  }
  const full = field.names === MONTHS ? FULL.month : FULL.week;
  const at = field.names?.findIndex((name, i) => name === word || full[i] === word) ?? -1;
  if (at < 0) throw fault(field, part);
  return at + (field.names === MONTHS ? 1 : 0);
}

function fault({ name, range: [least, most], names }: Field, part: string): CronTextError {
  const what = part === '' ? 'nothing stands between two commas' : `"${part}" does not fit`;
  const words = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  return new CronTextError(
    `${name}: ${what}; it takes ${least} to ${most}${words}, *, ranges as ${least}-${least + 4}, steps as */2, and lists with commas`,
  );
}
