import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hoursAt, knowsTimeZone } from '../../domain/hours.ts';
import { HoursTextError, hoursText, parseHours } from '../../domain/hours-text.ts';
import { DAYS, type Day, type Hours } from '../../domain/limits.ts';

const MINUTE = 60_000;
const at = (iso: string): number => Date.parse(iso);
const told = (hours: Hours, iso: string) => {
  const { open, until } = hoursAt(hours, at(iso));
  return [open, until === undefined ? undefined : new Date(until).toISOString()];
};

const clocks = new Map<string, Intl.DateTimeFormat>();
function newClock(timeZone: string): Intl.DateTimeFormat {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  clocks.set(timeZone, clock);
  return clock;
}

/** The rule as it is written: a moment is open when the wall clock shows a time inside a span. */
function openByTheClock({ timeZone, spans }: Hours, moment: number): boolean {
  const clock = clocks.get(timeZone) ?? newClock(timeZone);
  const parts = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, value]));
  const day = String(parts.weekday).toLowerCase() as Day;
  const before = DAYS[(DAYS.indexOf(day) + 6) % 7] as Day;
  const now = `${parts.hour}:${parts.minute}`;
  return spans.some(({ days, from, to }) =>
    from < to
      ? days.includes(day) && now >= from && now < to
      : (days.includes(day) && now >= from) || (days.includes(before) && now < to),
  );
}

const ZONES = [
  'UTC',
  'Europe/Zurich',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
];
const clockTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '01', '30', '45', '59'))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`);
const span = fc
  .record({
    days: fc.subarray([...DAYS], { minLength: 1 }),
    from: clockTime,
    to: fc.oneof(clockTime, fc.constant('24:00')),
  })
  .filter(({ from, to }) => from !== to);
const hoursArbitrary: fc.Arbitrary<Hours> = fc.record({
  timeZone: fc.constantFrom(...ZONES),
  spans: fc.array(span, { minLength: 1, maxLength: 3 }),
});
/** Around changes of the clock, and anywhere. */
const moments = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-03-08T07:00Z', '2026-04-04T15:00Z'),
      fc.integer({ min: -3000, max: 3000 }),
    )
    .map(([iso, minutes]) => at(iso) + minutes * MINUTE + 1),
  fc.integer({ min: at('2025-01-01'), max: at('2030-01-01') }),
);

describe('hours', () => {
  it('are open by the wall clock, till the moment at which it says otherwise', () => {
    fc.assert(
      fc.property(hoursArbitrary, moments, (hours, now) => {
        const { open, until } = hoursAt(hours, now);
        expect(open).toBe(openByTheClock(hours, now));
        const end = until ?? now + 9 * 24 * 60 * MINUTE;
        expect(end).toBeGreaterThan(now);
        if (until !== undefined) expect(openByTheClock(hours, until)).toBe(!open);
        // Nothing changes before it: looked at every few minutes, and right before.
        for (let probe = now; probe < end; probe += Math.max(7 * MINUTE, (end - now) / 200)) {
          expect(openByTheClock(hours, probe)).toBe(open);
        }
        if (until !== undefined && until - 1 >= now) expect(openByTheClock(hours, until - 1)).toBe(open);
      }),
      { numRuns: 150 },
    );
  });

  it('cross midnight, from the day that they begin on', () => {
    const nights = parseHours('Mon-Fri 22:00-06:00 Europe/Zurich');
    expect(told(nights, '2026-11-23T20:59:59Z')).toEqual([false, '2026-11-23T21:00:00.000Z']);
    expect(told(nights, '2026-11-23T21:00:00Z')).toEqual([true, '2026-11-24T05:00:00.000Z']);
    // Saturday morning still belongs to Friday; then it is closed till Monday night.
    expect(told(nights, '2026-11-28T04:59:00Z')).toEqual([true, '2026-11-28T05:00:00.000Z']);
    expect(told(nights, '2026-11-28T05:00:00Z')).toEqual([false, '2026-11-30T21:00:00.000Z']);
  });

  it('lose the hour that the clock skips, and have the one twice that it shows twice', () => {
    const early = parseHours('02:30-06:00 Europe/Zurich');
    expect(told(early, '2026-03-29T00:59:00Z')).toEqual([false, '2026-03-29T01:00:00.000Z']);
    expect(told(early, '2026-03-29T01:00:00Z')).toEqual([true, '2026-03-29T04:00:00.000Z']);
    const skipped = parseHours('Sun 02:10-02:50 Europe/Zurich');
    expect(told(skipped, '2026-03-28T12:00:00Z')).toEqual([false, '2026-04-05T00:10:00.000Z']);
    const twice = parseHours('02:15-02:45 Europe/Zurich');
    expect(told(twice, '2026-10-25T00:15:00Z')).toEqual([true, '2026-10-25T00:45:00.000Z']);
    expect(told(twice, '2026-10-25T00:45:00Z')).toEqual([false, '2026-10-25T01:15:00.000Z']);
    expect(told(twice, '2026-10-25T01:15:00Z')).toEqual([true, '2026-10-25T01:45:00.000Z']);
  });

  it('never change when they are the whole week; stretches that touch are one', () => {
    expect(told(parseHours('00:00-24:00 UTC'), '2026-11-23T12:00:00Z')).toEqual([true, undefined]);
    expect(told(parseHours('Mon 08:00-12:00; Mon 12:00-16:00 UTC'), '2026-11-23T09:00:00Z')).toEqual([
      true,
      '2026-11-23T16:00:00.000Z',
    ]);
  });

  it('know time zones by their names only', () => {
    expect(['UTC', 'Europe/Zurich', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'].every(knowsTimeZone)).toBe(true);
    expect(['', '+02:00', 'Europe/Nowhere', 'Mars'].some(knowsTimeZone)).toBe(false);
    expect(() => hoursAt({ timeZone: 'Mars', spans: [] }, 0)).toThrow(RangeError);
  });
});

describe('the text of hours', () => {
  it('is read as people write it', () => {
    const spans = (text: string) => parseHours(text).spans;
    expect(parseHours('Mon-Fri 22:00-06:00 Europe/Zurich')).toEqual({
      timeZone: 'Europe/Zurich',
      spans: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '06:00' }],
    });
    expect(spans(' sat,SUN  0:00-24:00;Tue 1:30 - 2:00  UTC ')).toEqual([
      { days: ['sat', 'sun'], from: '00:00', to: '24:00' },
      { days: ['tue'], from: '01:30', to: '02:00' },
    ]);
    expect(spans('Fri-Mon 08:00-12:00 UTC')[0]?.days).toEqual(['mon', 'fri', 'sat', 'sun']);
    expect(spans('monday, Wednesday-thu 08:00-12:00 UTC')[0]?.days).toEqual(['mon', 'wed', 'thu']);
    expect(spans('daily 08:00-12:00 UTC')[0]?.days).toEqual([...DAYS]);
    expect(spans('08:00-12:00 UTC')[0]?.days).toEqual([...DAYS]);
  });

  it('is refused with what is wrong in it', () => {
    for (const [text, word] of [
      ['', 'time zone is missing'],
      ['22:00-06:00', 'time zone is missing'],
      ['Mon 22:00-06:00; UTC', 'empty'],
      ['Mon 22-06 UTC', '"Mon 22-06"'],
      ['Mo 22:00-06:00 UTC', '"Mo"'],
      ['Mon-Wed-Fri 22:00-06:00 UTC', 'Mon-Wed-Fri'],
      ['Mon 25:00-06:00 UTC', 'from must be'],
      ['Mon 22:00-06:61 UTC', 'to must be'],
      ['Mon 06:00-06:00 UTC', 'the same'],
      ['Mon 22:00-06:00 +02:00', 'time zone is missing'],
    ] as const) {
      expect(() => parseHours(text), text).toThrow(HoursTextError);
      expect(() => parseHours(text), text).toThrow(word);
    }
  });

  it('comes back as the same hours', () => {
    fc.assert(
      fc.property(hoursArbitrary, (hours) => {
        const again = parseHours(hoursText(hours));
        expect(again).toEqual(hours);
      }),
    );
    expect(hoursText(parseHours('mon-fri 22:00-6:00; sat,sun 00:00-24:00 UTC'))).toBe(
      'Mon-Fri 22:00-06:00; Sat,Sun 00:00-24:00 UTC',
    );
  });
});
