import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronTextError, calendarOf, parseCron } from '../../domain/schedule/cron.ts';
import { specFault } from '../../domain/schedule/fault.ts';
import { type SchedulePlan, samePlan } from '../../domain/schedule/schedule.ts';
import { nextTimes } from '../../domain/schedule/times.ts';
import { specText } from '../../domain/schedule/words.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('a cron expression', () => {
  it('takes numbers, names, ranges, steps and lists', () => {
    const [calendar] = parseCron(' 0,30  8-18/5 * jan-mar,DEC MON-fri ');
    expect(calendar).toEqual({
      minutes: [0, 30],
      hours: [8, 13, 18],
      daysOfMonth: Array.from({ length: 31 }, (_, i) => i + 1),
      months: [1, 2, 3, 12],
      daysOfWeek: [1, 2, 3, 4, 5],
    });
    expect(parseCron('0 0 * * fri-mon')[0]?.daysOfWeek).toEqual([0, 1, 5, 6]);
    expect(parseCron('0 0 * * 5-7')[0]?.daysOfWeek).toEqual([0, 5, 6]);
    expect(parseCron('0 0 * * sunday')[0]?.daysOfWeek).toEqual([0]);
    expect(parseCron('5/20 * * * *')[0]?.minutes).toEqual([5, 25, 45]);
    expect(parseCron('@Weekly')).toEqual(parseCron('0 0 * * 7'));
    expect(parseCron('0 3 13 * fri')).toHaveLength(2);
    expect(parseCron('0 3 */2 * fri')).toHaveLength(1);
  });

  it('that is none is refused by its field', () => {
    const refusal = (text: string): string => {
      try {
        parseCron(text);
        return 'taken';
      } catch (error) {
        expect(error).toBeInstanceOf(CronTextError);
        return (error as Error).message;
      }
    };
    expect(refusal('60 * * * *')).toMatch(/^minute: "60" does not fit; it takes 0 to 59/);
    expect(refusal('0 24 * * *')).toMatch(/^hour:/);
    expect(refusal('0 0 0 * *')).toMatch(/^day of month:/);
    expect(refusal('0 0 * 13 *')).toMatch(/^month: "13" does not fit; it takes 1 to 12 or jan to dec/);
    expect(refusal('0 0 * * 8')).toMatch(/^day of week:/);
    expect(refusal('0 18-8 * * *')).toMatch(/^hour: 18-8 ends before it begins/);
    expect(refusal('0,,5 * * * *')).toMatch(/nothing stands between two commas/);
    expect(refusal('*/0 * * * *')).toMatch(/^minute:/);
    expect(refusal('')).toMatch(/here are none/);
    expect(refusal('0 0 2 * * * *')).toMatch(/here are 7/);
    expect(refusal('@reboot')).toMatch(/@reboot is no shorthand; there are @yearly/);
    expect(refusal('0 0 30 feb *')).toMatch(/none of its months has a day 30/);
  });

  it('whatever is written: a calendar in its ranges, or a refusal', () => {
    const word = fc.stringMatching(/^[\d*,/a-z-]{1,6}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 5, maxLength: 5 }), (words) => {
        try {
          for (const { minutes, hours, daysOfMonth, months, daysOfWeek } of parseCron(words.join(' '))) {
            const inside = (list: readonly number[], least: number, most: number) =>
              list.length > 0 && list.every((n, i) => n >= least && n <= most && (i === 0 || n > (list[i - 1] ?? 0)));
            expect(inside(minutes, 0, 59) && inside(hours, 0, 23) && inside(daysOfMonth, 1, 31)).toBe(true);
            expect(inside(months, 1, 12) && inside(daysOfWeek, 0, 6)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CronTextError);
        }
      }),
      { numRuns: 2_000, seed: 11 },
    );
  });
});

describe('the next times', () => {
  it('rise, lie behind now, and match the wall clock', () => {
    const zones = ['UTC', 'Europe/Zurich', 'America/New_York', 'Pacific/Auckland'];
    const field = (most: number) => fc.integer({ min: 0, max: most });
    fc.assert(
      fc.property(field(59), field(23), fc.constantFrom(...zones), field(1_000), (minute, hour, timeZone, day) => {
        const now = NOW + day * 86_400_000;
        const times = nextTimes({ cron: [`${minute} ${hour} * * *`], timeZone }, now, 5);
        expect(times).toHaveLength(5);
        for (const [i, time] of times.entries()) expect(time).toBeGreaterThan(times[i - 1] ?? now);
        const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
        const shown = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        for (const time of times) expect(clock.format(time)).toBe(shown);
      }),
      { numRuns: 200, seed: 13 },
    );
  });

  it('of a day that seldom comes, and of none', () => {
    const leap = nextTimes({ cron: ['0 0 29 2 *'] }, NOW, 2).map((time) => new Date(time).toISOString());
    expect(leap).toEqual(['2028-02-29T00:00:00.000Z', '2032-02-29T00:00:00.000Z']);
    expect(nextTimes({ calendars: [{ year: '2020' }] }, NOW, 1)).toEqual([]);
  });
});

describe('a spec', () => {
  it('is told in words', () => {
    expect(specText({ every: 21_600, offset: 1_800, jitter: 600 })).toBe('every 6h, 30m later; put off by up to 10m');
    expect(specText({ cron: ['@daily', '0 12 * * *'] })).toBe('cron "@daily" and "0 12 * * *", UTC');
    expect(specText({ calendars: [{ hour: '3', dayOfMonth: '13', dayOfWeek: 'fri' }] })).toBe(
      'hour 3 dayOfMonth 13 dayOfWeek fri, UTC',
    );
  });

  it('that can not be names its field', () => {
    const field = (spec: Parameters<typeof specFault>[0]) => specFault(spec, NOW)?.field;
    expect(field({ every: 3_600 })).toBeUndefined();
    expect(field({})).toBe('');
    expect(field({ cron: ['@daily'], every: 60 })).toBe('every');
    expect(field({ cron: [] })).toBe('cron');
    expect(field({ cron: ['@daily', 'x'] })).toBe('cron.1');
    expect(field({ cron: ['@daily'], offset: 5 })).toBe('offset');
    expect(field({ every: 60, offset: 60 })).toBe('offset');
    expect(field({ every: 1 })).toBe('every');
    expect(field({ every: 60, jitter: 100_000 })).toBe('jitter');
    expect(field({ every: 60, timeZone: '+02:00' })).toBe('timeZone');
    expect(field({ every: 60, startAt: '2027-02-01', endAt: '2027-01-01T00:00:00Z' })).toBe('startAt');
    expect(field({ every: 60, startAt: '2027-02-01T00:00:00Z', endAt: '2027-01-01T00:00:00Z' })).toBe('endAt');
    expect(field({ calendars: [{ year: '2020' }] })).toBe('calendars');
    expect(field({ calendars: [{ hour: '25' }] })).toBe('calendars.0');
    expect(calendarOf({})).toMatchObject({ minutes: [0], hours: [0] });
  });
});

it('two plans are the same whatever the order of their fields', () => {
  const plan: SchedulePlan = {
    id: 'a',
    connector: 'share',
    mode: 'full',
    spec: { every: 60, jitter: 5 },
    overlap: 'skip',
    scan: { action: 'tag', filter: 'x' },
  };
  expect(samePlan(plan, { ...plan, spec: { jitter: 5, every: 60 }, scan: { filter: 'x', action: 'tag' } })).toBe(true);
  expect(samePlan(plan, { ...plan, spec: { every: 61, jitter: 5 } })).toBe(false);
  expect(samePlan(plan, { ...plan, weight: 2 })).toBe(false);
});
