import { StatusUnavailable } from '../../status/errors.ts';

/** Remembers what was used once. */
export interface Nonces {
  /** `new`: nobody took it before, and nobody can for `seconds`; `full`: it can't be remembered, so it must not count. */
  take(nonce: string, seconds: number): Promise<'new' | 'seen' | 'full'>;
}

/** Most nonces that a process remembers: at 120 s each, some 800 signed requests a second. */
export const MOST_NONCES = 100_000;

/** In this process alone. Bounded: when it is full of what still counts, nothing is let in. */
export function createMemoryNonces(most = MOST_NONCES, ms = () => performance.now()): Nonces {
  /** By the time of their end, as they all last equally long. */
  const ends = new Map<string, number>();
  return {
    async take(nonce, seconds) {
      const now = ms();
      for (const [one, end] of ends) {
        if (end > now) break;
        ends.delete(one);
      }
      const end = ends.get(nonce);
      if (end !== undefined && end > now) return 'seen';
      if (ends.size >= most) return 'full';
      ends.delete(nonce);
      ends.set(nonce, now + seconds * 1000);
      return 'new';
    },
  };
}

/** One command of Redis. @throws StatusUnavailable */
export type RedisCommand = (words: readonly string[]) => Promise<unknown>;

/**
 * In this process and, for all processes together, in Redis (`SET NX EX`). While Redis is away the process's own memory holds alone: what went to
 * another process of the API can then be replayed here for as long as the clocks may be apart.
 */
export function createNonces(command: RedisCommand | undefined, memory = createMemoryNonces(), prefix = 'dsx'): Nonces {
  return {
    async take(nonce, seconds) {
      const here = await memory.take(nonce, seconds);
      if (here !== 'new' || command === undefined) return here;
      try {
        const words = ['SET', `${prefix}:nonce:${nonce}`, '1', 'NX', 'EX', String(seconds)];
        return (await command(words)) === null ? 'seen' : 'new';
      } catch (error) {
        if (error instanceof StatusUnavailable) return 'new';
        throw error;
      }
    },
  };
}
