import { DAYS, type Day, type Hours, type HoursSpan, limitsFault } from './limits.ts';

/** What a text of hours looks like, for messages. */
export const HOURS_EXAMPLE = 'Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00 Europe/Zurich';

/** A text that is no hours: the message says what is wrong with which part. */
export class HoursTextError extends Error {}

/**
 * Hours as people write them: stretches with `;` between them, then the time zone. A stretch is days and times (`Mon-Fri
 * 22:00-06:00`, `Sat,Sun 00:00-24:00`), or times alone for every day. Case does not matter in days.
 * @throws HoursTextError
 */
export function parseHours(text: string): Hours {
  const words = text.trim().split(/\s+/);
  const timeZone = words.length > 1 ? words.at(-1) : undefined;
  if (timeZone === undefined || /^[\d;]/.test(timeZone) || /\d:\d/.test(timeZone) || timeZone.endsWith(';')) {
    throw new HoursTextError(`the time zone is missing at the end; write it as "${HOURS_EXAMPLE}"`);
  }
  const stretches = words.slice(0, -1).join(' ').split(';');
  const spans = stretches.map((stretch) => parseSpan(stretch.trim()));
  const hours = { timeZone, spans };
  const fault = limitsFault({ hours });
  if (fault === undefined) return hours;
  const [, at] = /^hours\.spans\.(\d+)/.exec(fault.field) ?? [];
  throw new HoursTextError(`${at === undefined ? timeZone : stretches[Number(at)]?.trim()}: ${fault.message}`);
}

function parseSpan(text: string): HoursSpan {
  const [, days, from, to] = /^(?:(\S.*?)\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$/.exec(text) ?? [];
  if (from === undefined || to === undefined) {
    const what = text === '' ? 'a stretch between two ; is empty' : `"${text}" is no days and times`;
    throw new HoursTextError(`${what}; write them as "${HOURS_EXAMPLE}"`);
  }
  return {
    days: days === undefined ? [...DAYS] : parseDays(days),
    from: from.padStart(5, '0'),
    to: to.padStart(5, '0'),
  };
}

/** `Mon`, `Mon-Fri`, `Fri-Mon`, `Mon,Wed-Thu`, `daily`; in the order of the week. */
function parseDays(text: string): Day[] {
  if (/^daily$/i.test(text)) return [...DAYS];
  const found = new Set<Day>();
  for (const range of text.split(/\s*,\s*/)) {
    const [first, last = first] = range.split(/\s*-\s*/).map(dayOf);
    if (first === undefined || last === undefined || range.split('-').length > 2) {
      throw new HoursTextError(`"${text}" are no days; they are ${DAYS.join(', ')}, as Mon-Fri or Sat,Sun`);
    }
    const length = (DAYS.indexOf(last) - DAYS.indexOf(first) + 7) % 7;
    for (let i = 0; i <= length; i++) found.add(DAYS[(DAYS.indexOf(first) + i) % 7] as Day);
  }
  return DAYS.filter((day) => found.has(day));
}

const FULL_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function dayOf(text: string): Day | undefined {
  const word = text.toLowerCase();
  const at = word.length < 3 ? -1 : FULL_NAMES.findIndex((name) => name === word || name.slice(0, 3) === word);
  return DAYS[at];
}

/** Hours as `parseHours` reads them. */
export function hoursText({ spans, timeZone }: Hours): string {
  return `${spans.map(({ days, from, to }) => `${daysText(days)}${from}-${to}`).join('; ')} ${timeZone}`;
}

/** With a space behind, or nothing for every day. Three days in a row or more are written as a range. */
function daysText(days: readonly Day[]): string {
  const on = DAYS.map((day) => days.includes(day));
  if (on.every(Boolean)) return '';
  const words: string[] = [];
  for (let at = 0; at < 7; at++) {
    if (!on[at]) continue;
    let last = at;
    while (on[last + 1]) last += 1;
    if (last - at >= 2) words.push(`${name(at)}-${name(last)}`);
    else for (let i = at; i <= last; i++) words.push(name(i));
    at = last;
  }
  return `${words.join(',')} `;
}

function name(day: number): string {
  const text = DAYS[day] ?? '';
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
