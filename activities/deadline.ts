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
