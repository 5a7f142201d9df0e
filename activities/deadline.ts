import { setTimeout as pause } from 'node:timers/promises';

/**
 * The promise's end, or the error when it has none within `ms`. What stands behind the promise is not stopped: a call into a
 * dead mount can't be. It must settle on its own, and its late end is ignored.
 */
export async function within<T>(ms: number, promise: Promise<T>, error: () => Error): Promise<T> {
  const timer = new AbortController();
  const late = pause(ms, undefined, { signal: timer.signal }).then(() => {
    throw error();
  });
  promise.catch(() => undefined);
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

interface Pending {
  readonly until: number;
  expire(): void;
}

/** One deadline for very many short calls, without a timer for each: it strikes late by at most one sweep. */
export class Deadlines {
  readonly #ms: number;
  readonly #sweepMs: number;
  readonly #pending = new Set<Pending>();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, sweepMs = 1_000) {
    this.#ms = ms;
    this.#sweepMs = sweepMs;
  }

  /**
   * The promise's end, or the error when it has none in time.
   * @param late takes the value of a promise that ends well after all
   */
  keep<T>(promise: Promise<T>, error: () => Error, late: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let expired = false;
      const pending: Pending = {
        until: performance.now() + this.#ms,
        expire: () => {
          expired = true;
          reject(error());
        },
      };
      this.#pending.add(pending);
      this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs).unref();
      promise.then(
        (value) => {
          this.#pending.delete(pending);
          if (expired) late(value);
          else resolve(value);
        },
        (failure: unknown) => {
          this.#pending.delete(pending);
          reject(failure);
        },
      );
    });
  }

  #sweep(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    for (const pending of this.#pending) {
      if (pending.until > now) continue;
      this.#pending.delete(pending);
      pending.expire();
    }
  }
}
