import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attemptLimitMs } from '../../scanner/attempt.ts';
import { createWatch, type Watched } from '../../scanner/watch.ts';

interface Probe extends Watched {
  readonly expired: string[];
}

function watched(limitMs: number, deadlineMs: number): Probe {
  const expired: string[] = [];
  return {
    since: Date.now(),
    startedAt: Date.now(),
    limitMs,
    expired,
    deadlineMs: () => deadlineMs,
    expire: (why) => expired.push(why),
    forgive(ms) {
      this.since += ms;
      (this as { startedAt: number }).startedAt += ms;
    },
  };
}

describe('the watch', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends what makes no progress, once, and what goes on for too long all the same', () => {
    const watch = createWatch(1_000, () => Date.now());
    const silent = watched(10_000, 1_000_000);
    const slow = watched(10_000, 30_000);
    watch.add(silent);
    watch.add(slow);
    for (let s = 0; s < 60; s += 1) {
      slow.since = Date.now();
      vi.advanceTimersByTime(1_000);
      if (s === 9) expect(silent.expired).toEqual([]);
      if (s === 12) expect(silent.expired).toEqual(['progress']);
      if (s === 29) expect(slow.expired).toEqual([]);
    }
    expect(silent.expired).toEqual(['progress']);
    expect(slow.expired).toEqual(['deadline']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('forgets what was removed', () => {
    const watch = createWatch(1_000, () => Date.now());
    const gone = watched(1_000, 1_000);
    watch.add(gone);
    watch.remove(gone);
    vi.advanceTimersByTime(10_000);
    expect(gone.expired).toEqual([]);
  });

  it('blames nobody for the time in which the process itself stood still', () => {
    const watch = createWatch(1_000, () => Date.now());
    const attempt = watched(10_000, 20_000);
    watch.add(attempt);
    vi.advanceTimersByTime(2_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(5_000);
    expect(attempt.expired).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(attempt.expired).toEqual(['progress']);
  });
});

describe('the deadline', () => {
  it('is a minute, a second for each MiB, and the wait for the answer', () => {
    expect(attemptLimitMs(0, 600_000)).toBe(660_000);
    expect(attemptLimitMs(2 ** 31, 600_000)).toBe(660_000 + 2_048_000);
  });
});
