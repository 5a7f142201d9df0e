import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bucket } from '../../activities/scan-page/bucket.ts';
import { Pace } from '../../activities/scan-page/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const calm = () => new AbortController().signal;
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
/** Takes again and again; counts what it got. */
function keepTaking(bucket: Bucket, amount = 1, signal = calm(), lane: 'first' | 'later' = 'later') {
  const got = { amount: 0 };
  const loop = async (): Promise<void> => {
    for (;;) {
      await bucket.take(amount, lane, signal);
      got.amount += amount;
    }
  };
  loop().catch(() => undefined);
  return got;
}

describe('a bucket', () => {
  it('begins empty, and gives out its rate and no more, to any number of takers', async () => {
    const bucket = new Bucket(50);
    const takers = Array.from({ length: 24 }, () => keepTaking(bucket));
    const sum = () => takers.reduce((all, { amount }) => all + amount, 0);
    expect(sum()).toBe(0);
    for (let second = 1; second <= 20; second++) {
      await pass(1_000);
      expect(sum()).toBeGreaterThanOrEqual(50 * second - 1);
      expect(sum()).toBeLessThanOrEqual(50 * second);
    }
  });

  it('saves up half a second at most while nobody takes', async () => {
    const bucket = new Bucket(100);
    await pass(60_000);
    const taker = keepTaking(bucket);
    await pass(0);
    expect(taker.amount).toBe(50);
    await pass(1_000);
    expect(taker.amount).toBeLessThanOrEqual(150);
  });

  it('gives a large amount on credit, which is paid back before the next one', async () => {
    const bucket = new Bucket(10);
    const taker = keepTaking(bucket, 100);
    await pass(600);
    expect(taker.amount).toBe(100);
    await pass(9_800);
    expect(taker.amount).toBe(100);
    await pass(50_000);
    expect(taker.amount).toBe(600);
  });

  it('serves who must go on before who would begin', async () => {
    const bucket = new Bucket(10);
    const later = keepTaking(bucket, 1);
    const first = keepTaking(bucket, 1, calm(), 'first');
    await pass(5_000);
    expect([first.amount, later.amount]).toEqual([50, 0]);
  });

  it('lets go of who no longer waits, with the reason', async () => {
    const bucket = new Bucket(1);
    const leave = new AbortController();
    const left = bucket.take(1, 'later', leave.signal);
    const stays = keepTaking(bucket);
    leave.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await expect(bucket.take(1, 'later', leave.signal)).rejects.toThrow('left');
    await pass(1_000);
    expect(stays.amount).toBe(1);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe('the pace of a page', () => {
  const MIB = 2 ** 20;
  async function* body(size: number, chunk = 256 * 1024): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += chunk) yield new Uint8Array(Math.min(chunk, size - at)).fill(at / chunk);
  }

  it('is none where the share has no rate', () => {
    expect(Pace.of({ items: 24 })).toBeUndefined();
    expect(Pace.of({ items: 24, requestsPerSecond: 1 })?.refusal(2 ** 40)).toBeUndefined();
  });

  it('lets a large item flow at the rate, byte for byte, and tells how long it was held back', async () => {
    const pace = Pace.of({ items: 24, bytesPerSecond: MIB }) as Pace;
    const opened = pace.body(10 * MIB, calm());
    await pass(100);
    const paced = await opened;
    const flowed: number[] = [];
    let bytes = 0;
    let order = true;
    const done = (async () => {
      for await (const piece of paced?.read(body(10 * MIB), calm()) ?? []) {
        order &&= piece[0] === Math.floor(bytes / (256 * 1024)) % 256;
        bytes += piece.length;
      }
    })();
    for (let second = 0; second < 11; second++) {
      await pass(1_000);
      flowed.push(bytes);
    }
    await done;
    expect(bytes).toBe(10 * MIB);
    expect(order).toBe(true);
    for (const [i, total] of flowed.slice(0, 9).entries()) {
      expect(Math.abs(total / MIB - (i + 1.1))).toBeLessThan(0.2);
    }
    expect(paced?.heldMs()).toBeGreaterThan(9_000);
  });

  it('begins no other item while one that is under way uses all there is', async () => {
    const pace = Pace.of({ items: 24, bytesPerSecond: MIB }) as Pace;
    const first = pace.body(4 * MIB, calm());
    await pass(100);
    const read = (async () => {
      for await (const _ of (await first)?.read(body(4 * MIB), calm()) ?? []);
    })();
    let begun = false;
    const second = pace.body(MIB, calm()).then(() => {
      begun = true;
    });
    await pass(3_500);
    expect(begun).toBe(false);
    await pass(1_000);
    await read;
    await second;
    expect(begun).toBe(true);
  });

  it('refuses an item that would take over a day, with the figures', () => {
    const pace = Pace.of({ items: 1, bytesPerSecond: 1_024 });
    expect(pace?.refusal(1_024 * 86_400)).toBeUndefined();
    expect(pace?.refusal(1_024 * 86_401)).toContain('1024 bytes a second');
  });

  it('an empty item and a tiny rate go through', async () => {
    const pace = Pace.of({ items: 1, bytesPerSecond: 1_024, requestsPerSecond: 1 }) as Pace;
    const all = (async () => {
      await pace.begin(calm());
      let bytes = 0;
      for (const size of [0, 3_000]) {
        const paced = await pace.body(size, calm());
        for await (const piece of paced?.read(body(size), calm()) ?? []) bytes += piece.length;
      }
      return bytes;
    })();
    await pass(10_000);
    expect(await all).toBe(3_000);
  });
});
