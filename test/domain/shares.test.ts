import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedLimits, type Limits, limitsFault, sameLimits } from '../../domain/limits.ts';
import { fits, lastSharesOf, RUNNERS, type Share, sharesOf } from '../../domain/shares.ts';

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const limitsArbitrary: fc.Arbitrary<Limits> = fc.record({
  itemsInFlight: some(fc.integer({ min: 1, max: 2_000 })),
  requestsPerSecond: some(fc.integer({ min: 1, max: 5_000 })),
  bytesPerSecond: some(fc.integer({ min: 1_024, max: 2 ** 31 })),
});
const window = fc.integer({ min: 1, max: 50 });
const total = (shares: readonly Share[], of: (share: Share) => number | undefined): number =>
  shares.reduce((sum, share) => sum + (of(share) ?? 0), 0);

function expectExact(limits: Limits, shares: readonly Share[], most: number): void {
  expect(shares.length).toBeGreaterThanOrEqual(1);
  expect(shares.length).toBeLessThanOrEqual(most);
  const { itemsInFlight, requestsPerSecond, bytesPerSecond } = limits;
  for (const { items } of shares) expect(items >= 1 && items <= RUNNERS).toBe(true);
  if (itemsInFlight !== undefined) {
    expect(total(shares, ({ items }) => items)).toBe(Math.min(itemsInFlight, RUNNERS * shares.length));
  }
  const rates = [
    [requestsPerSecond, shares.map((share) => share.requestsPerSecond)],
    [bytesPerSecond, shares.map((share) => share.bytesPerSecond)],
  ] as const;
  for (const [limit, parts] of rates) {
    if (limit === undefined) expect(parts.every((one) => one === undefined)).toBe(true);
    else {
      expect(parts.reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBe(limit);
      expect(parts.every((one) => one !== undefined && one >= 1)).toBe(true);
    }
  }
}

describe('shares', () => {
  it('sum up to the limits exactly, and none is nothing', () => {
    fc.assert(
      fc.property(limitsArbitrary, window, (limits, most) => expectExact(limits, sharesOf(limits, most), most)),
    );
  });

  it('are as many as 24 items each need, and never more than the window', () => {
    const items = (limit: number) => sharesOf({ itemsInFlight: limit }, 4).map((share) => share.items);
    expect(items(1)).toEqual([1]);
    expect(items(2)).toEqual([2]);
    expect(items(24)).toEqual([24]);
    expect(items(25)).toEqual([13, 12]);
    expect(items(50)).toEqual([17, 17, 16]);
    expect(items(1_000)).toEqual([24, 24, 24, 24]);
    expect(sharesOf({}, 2)).toEqual([{ items: 24 }, { items: 24 }]);
    expect(sharesOf({ requestsPerSecond: 3 }, 4).map((share) => share.requestsPerSecond)).toEqual([1, 1, 1]);
    expect(sharesOf({ bytesPerSecond: 2 ** 16 }, 4)).toEqual([{ items: 24, bytesPerSecond: 2 ** 16 }]);
  });

  it('grow for the last pages, there are never fewer than pages left, and they sum up all the same', () => {
    fc.assert(
      fc.property(limitsArbitrary, window, fc.integer({ min: 1, max: 60 }), (limits, most, left) => {
        const all = sharesOf(limits, most);
        const last = lastSharesOf(limits, most, left);
        expectExact(limits, last, most);
        expect(last.length).toBeGreaterThanOrEqual(Math.min(left, all.length));
        expect(Math.floor((last.length * 3) / 4)).toBeLessThan(left);
        if (all.length <= 4) expect(last.length).toBe(Math.min(left, all.length));
      }),
    );
  });

  it('fit as long as what is taken leaves room; a page without a limit fills every one', () => {
    const limits = { itemsInFlight: 10, requestsPerSecond: 4 };
    const share = { items: 4, requestsPerSecond: 2 };
    expect(fits(limits, [], share)).toBe(true);
    expect(fits(limits, [share], share)).toBe(true);
    expect(fits(limits, [share, share], share)).toBe(false);
    expect(fits(limits, [{ items: 1 }], share)).toBe(false);
    expect(fits({}, [{ items: 24 }, { items: 24 }], { items: 24 })).toBe(true);
  });
});

describe('limits', () => {
  it('change one by one: what is absent stays, null takes away', () => {
    const before: Limits = { itemsInFlight: 5, bytesPerSecond: 10_000 };
    expect(changedLimits(before, { itemsInFlight: null, requestsPerSecond: 3 })).toEqual({
      bytesPerSecond: 10_000,
      requestsPerSecond: 3,
    });
    expect(changedLimits(before, {})).toEqual(before);
    expect(sameLimits(before, { ...before, requestsPerSecond: undefined } as Limits)).toBe(true);
    const hours = { timeZone: 'UTC', spans: [{ days: ['mon' as const], from: '01:00', to: '02:00' }] };
    expect(sameLimits({ hours }, { hours: structuredClone(hours) })).toBe(true);
    expect(sameLimits({ hours }, { hours: { ...hours, timeZone: 'Europe/Zurich' } })).toBe(false);
    expect(sameLimits({ hours }, {})).toBe(false);
  });

  it('are refused with the field that is wrong', () => {
    const span = { days: ['mon'] as const, from: '22:00', to: '06:00' };
    const field = (change: object) => limitsFault(change as Parameters<typeof limitsFault>[0])?.field;
    expect(
      field({ itemsInFlight: 1, bytesPerSecond: null, hours: { timeZone: 'UTC', spans: [span] } }),
    ).toBeUndefined();
    expect(field({ itemsInFlight: 0 })).toBe('itemsInFlight');
    expect(field({ itemsInFlight: 1.5 })).toBe('itemsInFlight');
    expect(field({ itemsInFlight: '4' })).toBe('itemsInFlight');
    expect(field({ bytesPerSecond: 1_023 })).toBe('bytesPerSecond');
    expect(field({ requestsPerSecond: Number.NaN })).toBe('requestsPerSecond');
    expect(field({ hours: { timeZone: '+02:00', spans: [span] } })).toBe('hours.timeZone');
    expect(field({ hours: { timeZone: 'UTC', spans: [] } })).toBe('hours.spans');
    for (const wrong of [
      { days: [] },
      { days: ['mon', 'mon'] },
      { days: ['Monday'] },
      { from: '24:00' },
      { from: '7:00' },
      { to: '24:01' },
      { to: '22:00' },
    ]) {
      expect(field({ hours: { timeZone: 'UTC', spans: [span, { ...span, ...wrong }] } })).toBe('hours.spans.1');
    }
  });
});
