import { randomBytes } from 'node:crypto';
import type { HmacKey } from './hmac.ts';

/** A key pair of a connector. */
export interface HmacPair {
  readonly id: string;
  readonly secret: string;
  /** Until when it counts, seconds since the epoch; absent: until it is replaced. */
  readonly until?: number;
}

/** The keys of one connector: the newest, and while it is being replaced the one before. */
export interface HmacPairs {
  readonly owner: string;
  /** Newest first, at most two. */
  readonly pairs: readonly HmacPair[];
}

/** As the connectors of the former product know them: an id of 12 and a secret of 32 random bytes, base64. */
export function newPair(): HmacPair {
  return { id: randomBytes(12).toString('base64'), secret: randomBytes(32).toString('base64') };
}

/** A new pair in front; the newest so far goes on for `graceSeconds`, and the one before it ends. `now`: seconds since the epoch. */
export function rotatedPairs(
  { owner, pairs }: HmacPairs,
  next: HmacPair,
  graceSeconds: number,
  now: number,
): HmacPairs {
  const [newest] = pairs;
  const until = Math.min(now + graceSeconds, newest?.until ?? Number.POSITIVE_INFINITY);
  const before = newest === undefined || graceSeconds <= 0 ? [] : [{ id: newest.id, secret: newest.secret, until }];
  return { owner, pairs: [next, ...before] };
}

/** The key of this id, if it counts now. */
export function findPair(all: readonly HmacPairs[], keyId: string, now: number): HmacKey | undefined {
  for (const { owner, pairs } of all) {
    const pair = pairs.find(({ id, until }) => id === keyId && (until === undefined || now < until));
    if (pair !== undefined) return { owner, secret: pair.secret };
  }
  return undefined;
}
