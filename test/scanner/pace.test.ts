import { describe, expect, it } from 'vitest';
import { createLimiter, type Grant } from '../../scanner/limiter.ts';

/** A deterministic generator, uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Model {
  /** How long an item takes a worker, in milliseconds. */
  readonly serviceMs: (at: number, random: () => number) => number;
  readonly workers: number;
  /** On top of service and queueing, per item. */
  readonly networkMs: number;
  readonly engineMs: number;
  readonly max?: number;
  readonly runners?: number;
  /** Above so many in the house the scanner refuses. */
  readonly refuseAbove?: number;
}

interface Outcome {
  readonly perSecond: number;
  /** The limit after each 100 ms. */
  readonly limits: readonly number[];
  readonly refused: number;
  readonly mostInFlight: number;
}

/** A closed loop of runners against a scanner with workers and a queue, on a clock of its own. */
function simulate(model: Model, forMs: number): Outcome {
  const random = generator(7);
  let now = 0;
  const limiter = createLimiter({ maxConcurrency: model.max ?? 64, maxBytesInFlight: 2 ** 30, now: () => now });
  const freeAt = Array.from({ length: model.workers }, () => 0);
  const flying: { end: number; grant: Grant; sent: number; refused: boolean }[] = [];
  const limits: number[] = [];
  let done = 0;
  let refused = 0;
  let mostInFlight = 0;
  const runners = model.runners ?? 200;
  while (now < forMs) {
    while (flying.length < runners) {
      const grant = limiter.tryAcquire(4096);
      if (grant === undefined) break;
      if (model.refuseAbove !== undefined && flying.length >= model.refuseAbove) {
        flying.push({ end: now + 1 + model.networkMs, grant, sent: now, refused: true });
        continue;
      }
      let worker = 0;
      for (let i = 1; i < freeAt.length; i += 1) if ((freeAt[i] as number) < (freeAt[worker] as number)) worker = i;
      const start = Math.max(now, freeAt[worker] as number);
      freeAt[worker] = start + model.serviceMs(now, random);
      flying.push({ end: (freeAt[worker] as number) + model.networkMs, grant, sent: now, refused: false });
    }
    mostInFlight = Math.max(mostInFlight, flying.length);
    let next = 0;
    for (let i = 1; i < flying.length; i += 1) {
      if ((flying[i] as { end: number }).end < (flying[next] as { end: number }).end) next = i;
    }
    const [ended] = flying.splice(next, 1);
    if (ended === undefined) throw new Error('nothing in flight');
    while (limits.length * 100 < ended.end) limits.push(limiter.state().limit);
    now = ended.end;
    if (ended.refused) {
      refused += 1;
      limiter.release(ended.grant, { kind: 'overload', retryAfterMs: undefined });
    } else {
      done += 1;
      limiter.release(ended.grant, { kind: 'answered', waitMs: now - ended.sent - model.engineMs });
    }
  }
  return { perSecond: (done * 1000) / forMs, limits, refused, mostInFlight };
}

describe('an instant scanner behind a busy machine (one server of 5,000 items a second)', () => {
  const instant: Model = { workers: 1, serviceMs: () => 0.2, networkMs: 0, engineMs: 0.05 };

  it('reaches the highest level within 200 ms and stays there', () => {
    const { limits } = simulate(instant, 5_000);
    expect(limits.slice(2).every((l) => l === 64)).toBe(true);
  });

  it('does not collapse when the machine stands still now and then', () => {
    const noisy: Model = { ...instant, serviceMs: (_, random) => (random() < 0.002 ? 60 : 0.2) };
    const { limits } = simulate(noisy, 10_000);
    expect(Math.min(...limits.slice(5))).toBeGreaterThanOrEqual(16);
    const sorted = [...limits].sort((a, b) => a - b);
    expect(sorted[sorted.length >> 1]).toBeGreaterThanOrEqual(32);
  });
});

describe('a scanner of 30 ms and 8 workers', () => {
  const steady: Model = { workers: 8, serviceMs: () => 30, networkMs: 1, engineMs: 30 };

  it('keeps the 8 busy without queueing much', () => {
    const { perSecond, limits, mostInFlight } = simulate(steady, 60_000);
    expect(perSecond).toBeGreaterThan(0.97 * (8 / 0.03));
    expect(mostInFlight).toBeLessThanOrEqual(24);
    expect(Math.max(...limits)).toBeLessThanOrEqual(24);
  });

  it('holds over ten minutes: measuring the best wait anew does not creep upwards', () => {
    const { perSecond, limits } = simulate(steady, 600_000);
    expect(perSecond).toBeGreaterThan(0.97 * (8 / 0.03));
    expect(Math.max(...limits.slice(-1000))).toBeLessThanOrEqual(24);
  });
});

describe('other scanners', () => {
  it('goes as high as it may where distance, not work, takes the time', () => {
    const far: Model = { workers: 1_000, serviceMs: () => 5, networkMs: 200, engineMs: 5 };
    const { limits } = simulate(far, 10_000);
    expect(limits.at(-1)).toBe(64);
  });

  it('stays near what a single slow worker needs', () => {
    const slow: Model = { workers: 1, serviceMs: () => 30, networkMs: 1, engineMs: 30 };
    expect(Math.max(...simulate(slow, 300_000).limits)).toBeLessThanOrEqual(24);
  });

  it('lives with a scanner that refuses above 20 at once', () => {
    const strict: Model = { workers: 20, serviceMs: () => 30, networkMs: 1, engineMs: 30, refuseAbove: 20 };
    const { perSecond, refused } = simulate(strict, 60_000);
    expect(perSecond).toBeGreaterThan(0.5 * (20 / 0.03));
    expect(refused / (perSecond * 60)).toBeLessThan(0.05);
  });

  it('does not grow while its slots are not used', () => {
    const idle: Model = { workers: 100, serviceMs: () => 1, networkMs: 0, engineMs: 1, runners: 4 };
    expect(simulate(idle, 5_000).limits.at(-1)).toBe(8);
  });

  it('uses no more than the cap', () => {
    expect(simulate({ workers: 1, serviceMs: () => 0.2, networkMs: 0, engineMs: 0, max: 3 }, 1_000).mostInFlight).toBe(
      3,
    );
  });

  it('recovers when a scanner that got slow is quick again', () => {
    const spell: Model = {
      workers: 8,
      serviceMs: (at) => (at > 5_000 && at < 10_000 ? 300 : 3),
      networkMs: 0,
      engineMs: 3,
    };
    const { limits } = simulate(spell, 20_000);
    expect(limits[150]).toBeGreaterThanOrEqual(32);
  });
});
