/** What a watched attempt is waiting for. `limitMs` counts from `since`, both on the watch's clock. */
export interface Watched {
  since: number;
  readonly limitMs: number;
  readonly startedAt: number;
  /** For the whole attempt, in milliseconds from `startedAt`; may grow as bytes flow. */
  deadlineMs(): number;
  /** The attempt took too long. Called at most once. */
  expire(why: 'progress' | 'deadline'): void;
  /** The process itself stood still for so long: nobody's silence. */
  forgive(ms: number): void;
}

export interface Watch {
  add(watched: Watched): void;
  remove(watched: Watched): void;
}

/**
 * One sweep for all attempts of a scanner instead of timers for each. A limit is noticed late by at most one interval.
 * @param intervalMs between sweeps
 */
export function createWatch(intervalMs: number, now: () => number): Watch {
  const all = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  let last = 0;

  function sweep(): void {
    const at = now();
    const lost = at - last - intervalMs;
    last = at;
    if (all.size === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    for (const w of all) {
      if (lost > 2 * intervalMs) w.forgive(lost);
      if (at - w.since > w.limitMs) expire(w, 'progress');
      else if (at - w.startedAt > w.deadlineMs()) expire(w, 'deadline');
    }
  }

  function expire(w: Watched, why: 'progress' | 'deadline'): void {
    all.delete(w);
    w.expire(why);
  }

  return {
    add(watched) {
      all.add(watched);
      if (timer !== undefined) return;
      last = now();
      timer = setInterval(sweep, intervalMs).unref();
    },
    remove(watched) {
      all.delete(watched);
    },
  };
}
