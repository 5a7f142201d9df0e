import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import type { KeyObjects } from '../../ledger/key-objects.ts';

/** A note that could not be written is tried again after this, in milliseconds. */
const AGAIN_MS = 60_000;

/**
 * Notes the days on which keys are used: one small object a key and day, written by the first request of a day. It never fails. Days are enough
 * to find keys that nobody needs.
 */
export function createKeyUse(
  open: () => Promise<KeyObjects>,
  log: Logger,
  now = Date.now,
): (key: string) => Promise<void> {
  const noted = new Map<string, string>();
  return async (key) => {
    const day = new Date(now()).toISOString().slice(0, 10);
    if (noted.get(key) === day) return;
    noted.set(key, day);
    try {
      await (await open()).noteUse(key, day);
    } catch (error) {
      log.warn({ key }, `the use of a key could not be noted: ${messageOf(error)}`);
      setTimeout(() => noted.delete(key), AGAIN_MS).unref();
    }
  };
}
