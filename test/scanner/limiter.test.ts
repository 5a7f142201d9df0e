import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BIG_ITEM, createLimiter, type Grant, type Limiter } from '../../scanner/limiter.ts';

const MIB = 2 ** 20;
const NOTHING = { kind: 'nothing' } as const;
let clock = 0;
const signal = new AbortController().signal;

function limiter(maxConcurrency: number, maxBytesInFlight = 512 * MIB): Limiter {
  return createLimiter({ maxConcurrency, maxBytesInFlight, now: () => clock });
}

/** Takes a slot that must be free. */
function take(l: Limiter, size: number | undefined): Grant {
  const grant = l.tryAcquire(size);
  if (grant === undefined) throw new Error('no slot');
  return grant;
}

/** A waiter that writes its name down when it gets its slot. */
function queue(l: Limiter, size: number, name: string, order: string[]): Promise<Grant> {
  return l.acquire(size, signal).then((grant) => {
    order.push(name);
    return grant;
  });
}

async function turn(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
}

beforeEach(() => {
  clock = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

describe('slots', () => {
  it('gives a free slot at once and refuses above the limit', () => {
    const l = limiter(2);
    take(l, 1);
    take(l, undefined);
    expect(l.tryAcquire(1)).toBeUndefined();
    expect(l.state()).toMatchObject({ limit: 2, inFlight: 2, waiting: 0 });
  });

  it('starts at 8', () => {
    expect(limiter(64).state().limit).toBe(8);
  });

  it('serves first come, first served, and lets nobody past those who wait', async () => {
    const l = limiter(1);
    const first = take(l, 1);
    const order: string[] = [];
    const a = queue(l, 1, 'a', order);
    const b = queue(l, 1, 'b', order);
    expect(l.tryAcquire(0)).toBeUndefined();
    l.release(first, NOTHING);
    l.release(await a, NOTHING);
    l.release(await b, NOTHING);
    expect(order).toEqual(['a', 'b']);
    expect(l.state()).toMatchObject({ inFlight: 0, bytesInFlight: 0, waiting: 0 });
  });

  it('forgets a waiter whose signal aborts, and goes on with the next', async () => {
    const l = limiter(1);
    const first = take(l, 1);
    const gone = new AbortController();
    const lost = l.acquire(1, gone.signal);
    const next = l.acquire(1, signal);
    const why = new Error('enough');
    gone.abort(why);
    await expect(lost).rejects.toBe(why);
    l.release(first, NOTHING);
    l.release(await next, NOTHING);
    await expect(l.acquire(1, gone.signal)).rejects.toBe(why);
    expect(l.state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  it('rejects all waiters together', async () => {
    const l = limiter(1);
    take(l, 1);
    const why = new Error('closed');
    const all = Promise.allSettled([l.acquire(1, signal), l.acquire(BIG_ITEM + 1, signal)]);
    l.rejectWaiting(why);
    expect((await all).map((r) => r.status === 'rejected' && r.reason)).toEqual([why, why]);
    expect(l.state().waiting).toBe(0);
  });
});

describe('bytes', () => {
  it('keeps the bytes in flight under the budget', async () => {
    const l = limiter(8, 100);
    const a = take(l, 60);
    expect(l.tryAcquire(41)).toBeUndefined();
    const waiting = l.acquire(41, signal);
    expect(l.tryAcquire(1)).toBeUndefined();
    l.release(a, NOTHING);
    l.release(await waiting, NOTHING);
    expect(l.state().bytesInFlight).toBe(0);
  });

  it('still runs one item that is larger than the whole budget', async () => {
    const l = limiter(8, 100);
    const small = take(l, 10);
    const order: string[] = [];
    const huge = queue(l, 1_000, 'huge', order);
    await turn();
    expect(order).toEqual([]);
    l.release(small, NOTHING);
    const grant = await huge;
    expect(l.tryAcquire(1)).toBeUndefined();
    l.release(grant, NOTHING);
    expect(l.tryAcquire(1)).toBeDefined();
  });

  it('gives big items at most half of the slots, and small ones the rest', async () => {
    const l = limiter(8, 1_000 * BIG_ITEM);
    const bigs = Array.from({ length: 4 }, () => take(l, BIG_ITEM + 1));
    expect(l.tryAcquire(BIG_ITEM + 1)).toBeUndefined();
    const order: string[] = [];
    const fifth = queue(l, BIG_ITEM + 1, 'big', order);
    const small = queue(l, 1, 'small', order);
    await small;
    expect(order).toEqual(['small']);
    l.release(bigs[0] as Grant, NOTHING);
    await fifth;
    expect(order).toEqual(['small', 'big']);
  });

  it('runs one item above the budget beside small ones, and never two', async () => {
    const l = limiter(8, 256 * MIB);
    const huge = take(l, 2_048 * MIB);
    const order: string[] = [];
    const second = queue(l, 2_048 * MIB, 'huge', order);
    const small = await queue(l, 10 * MIB, 'small', order);
    await turn();
    expect(order).toEqual(['small']);
    l.release(small, NOTHING);
    l.release(huge, NOTHING);
    await second;
    expect(order).toEqual(['small', 'huge']);
  });

  it('does not let small items starve a big one', async () => {
    const l = limiter(8, 256 * MIB);
    const held = Array.from({ length: 4 }, () => take(l, 60 * MIB));
    const order: string[] = [];
    const big = queue(l, 200 * MIB, 'big', order);
    const late = queue(l, 60 * MIB, 'late', order);
    for (const grant of held.slice(0, 3)) l.release(grant, NOTHING);
    await turn();
    expect(order).toEqual(['big']);
    l.release(held[3] as Grant, NOTHING);
    l.release(await big, NOTHING);
    await late;
    expect(order).toEqual(['big', 'late']);
  });

  it('does not let big items starve a small one', async () => {
    const l = limiter(8, 128 * MIB);
    const big = take(l, 96 * MIB);
    const order: string[] = [];
    const small = queue(l, 60 * MIB, 'small', order);
    const next = queue(l, 96 * MIB, 'big', order);
    l.release(big, NOTHING);
    l.release(await small, NOTHING);
    await next;
    expect(order).toEqual(['small', 'big']);
  });
});

describe('overload', () => {
  it('halves once for all items that were in flight together', () => {
    const l = limiter(64);
    const grants = Array.from({ length: 8 }, () => take(l, 1));
    clock = 100;
    for (const g of grants) l.release(g, { kind: 'overload', retryAfterMs: undefined });
    expect(l.state().limit).toBe(4);
    const later = take(l, 1);
    clock = 200;
    l.release(later, { kind: 'overload', retryAfterMs: undefined });
    expect(l.state().limit).toBe(4);
    const after = take(l, 1);
    clock = 300;
    l.release(after, { kind: 'overload', retryAfterMs: undefined });
    expect(l.state().limit).toBe(2);
  });

  it('never falls below one', () => {
    const l = limiter(64);
    for (let i = 0; i < 20; i += 1) {
      clock += 100;
      const g = take(l, 1);
      clock += 100;
      l.release(g, { kind: 'overload', retryAfterMs: undefined });
    }
    expect(l.state().limit).toBe(1);
  });

  it('gives no slot until Retry-After has passed', async () => {
    vi.useFakeTimers();
    const l = limiter(64);
    l.release(take(l, 1), { kind: 'overload', retryAfterMs: 2_000 });
    expect(l.tryAcquire(1)).toBeUndefined();
    const order: string[] = [];
    const waiting = queue(l, 1, 'a', order);
    clock = 1_999;
    await vi.advanceTimersByTimeAsync(1_999);
    expect(order).toEqual([]);
    clock = 2_000;
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(l.tryAcquire(1)).toBeDefined();
  });
});

describe('any load', () => {
  const sizes = fc.oneof(
    fc.constant(undefined),
    fc.nat(MIB),
    fc.nat(64 * MIB),
    fc.integer({ min: 65 * MIB, max: 3_000 * MIB }),
  );
  const endings = fc.constantFrom('nothing', 'answered', 'overload');

  it('is served to its end, within the limits, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: sizes, ending: endings, gone: fc.boolean() }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(1, 100, 64 * MIB, 128 * MIB, 512 * MIB),
        async (items, maxConcurrency, budget) => {
          const l = limiter(maxConcurrency, budget);
          const held: { grant: Grant; kind: string }[] = [];
          let served = 0;
          let gone = 0;
          for (const { size, ending, gone: leaves } of items) {
            const stop = new AbortController();
            l.acquire(size, stop.signal).then(
              (grant) => held.push({ grant, kind: ending }),
              () => (gone += 1),
            );
            if (leaves) stop.abort(new Error('gone'));
          }
          await turn();
          while (held.length > 0) {
            const { inFlight, bytesInFlight } = l.state();
            expect(inFlight).toBe(held.length);
            expect(inFlight).toBeLessThanOrEqual(maxConcurrency);
            const known = held.map((h) => h.grant.bytes);
            expect(bytesInFlight).toBe(known.reduce((a, b) => a + b, 0));
            const small = known.filter((b) => b <= BIG_ITEM);
            const large = known.filter((b) => b > BIG_ITEM);
            if (small.length > 1)
              expect(small.reduce((a, b) => a + Math.min(b, budget), 0)).toBeLessThanOrEqual(budget);
            if (large.length > 1) expect(large.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(budget);
            clock += 10;
            const [first] = held.splice(0, 1);
            if (first === undefined) break;
            if (first.kind === 'answered') l.release(first.grant, { kind: 'answered', waitMs: 5 });
            else if (first.kind === 'overload') l.release(first.grant, { kind: 'overload', retryAfterMs: undefined });
            else l.release(first.grant, NOTHING);
            served += 1;
            await turn();
          }
          expect(served + gone).toBe(items.length);
          expect(l.state()).toMatchObject({ inFlight: 0, bytesInFlight: 0, waiting: 0 });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('live items', () => {
  it('go ahead of all that wait, within a quarter of the slots', async () => {
    const l = limiter(8);
    const held = Array.from({ length: 8 }, () => take(l, 1));
    const order: string[] = [];
    const live = (name: string) => l.acquire(1, signal, true).then(() => order.push(name));
    for (const name of ['a', 'b', 'c', 'd']) void queue(l, 1, name, order);
    for (const name of ['A', 'B', 'C']) void live(name);
    for (const grant of held.slice(0, 5)) l.release(grant, NOTHING);
    await turn();
    expect(order).toEqual(['A', 'B', 'a', 'b', 'c']);
    for (const grant of held.slice(5)) l.release(grant, NOTHING);
    await turn();
    expect(order.slice(5)).toEqual(['d', 'C']);
  });

  it('leave all slots to the others while none of them waits', () => {
    const l = limiter(8);
    for (let i = 0; i < 8; i++) take(l, 1);
    expect(l.state().inFlight).toBe(8);
  });

  it('take a free slot past others that wait for bytes', async () => {
    const l = limiter(8, 100);
    take(l, 80);
    const order: string[] = [];
    void queue(l, 60, 'waits', order);
    await turn();
    expect(l.tryAcquire(10)).toBeUndefined();
    expect(l.tryAcquire(10, true)).toBeDefined();
    expect(order).toEqual([]);
  });

  it('and the others all come to their end, whatever the mix', async () => {
    const one = fc.record({ size: fc.nat(120), live: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), async (items, slots) => {
        const l = limiter(slots, 100);
        let done = 0;
        for (const { size, live } of items) {
          void l.acquire(size, signal, live).then(async (grant) => {
            await Promise.resolve();
            done += 1;
            l.release(grant, NOTHING);
          });
        }
        for (let i = 0; i < items.length + 5; i++) await turn();
        expect(done).toBe(items.length);
        expect(l.state()).toMatchObject({ inFlight: 0, waiting: 0, bytesInFlight: 0 });
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});
