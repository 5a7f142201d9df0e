import type { BigIntStats } from 'node:fs';

/** How long a file must stand still. */
export interface SettleRules {
  /** Milliseconds without a change of size or modification time. */
  readonly settle: number;
  /** Milliseconds that the clock of the file system may differ from ours; 0 on a local disk. */
  readonly skew: number;
}

/** A file that never stands still is given after so many times the settle time, and again after as many more. */
export const PATIENCE = 10;

/** What is known of a file that is waited for. Times are of the monotonic clock, in milliseconds. */
export interface Waiting {
  /** When it was first noticed, or given last while it went on changing. */
  readonly first: number;
  /** True when its name appeared: it was created, or renamed or linked into place. */
  readonly appeared: boolean;
  /** What the last look saw, and since when that has been so. */
  readonly seen?: { readonly size: bigint; readonly mtimeNs: bigint; readonly since: number };
}

export type Judged =
  /** Give it. `still` false: it goes on changing, and is waited for again. */
  | { readonly give: true; readonly still: boolean }
  | { readonly give: false; readonly again: number; readonly since: number };

type Facts = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs'>;

/**
 * Whether a file has stood still, or when to look again. One whose last writing is older than the settle time has. So has one that
 * appeared with bytes in it and whose last change was none of its bytes: it was renamed or linked into place.
 * @param now monotonic, `wall` the time of day; both in milliseconds
 */
export function judge(
  waiting: Waiting,
  facts: Facts,
  now: number,
  wall: number,
  { settle, skew }: SettleRules,
): Judged {
  const written = Number(facts.mtimeNs / 1_000_000n);
  const renamed = skew === 0 && waiting.appeared && facts.size > 0n && facts.ctimeNs > facts.mtimeNs;
  if (renamed || wall - written >= settle + skew) return { give: true, still: true };
  const { seen } = waiting;
  const same = seen !== undefined && seen.size === facts.size && seen.mtimeNs === facts.mtimeNs;
  const since = same ? seen.since : now;
  if (same && now - since >= settle) return { give: true, still: true };
  const last = waiting.first + PATIENCE * settle;
  if (now >= last) return { give: true, still: false };
  const left = skew === 0 && written <= wall ? written + settle - wall : settle - (now - since);
  return { give: false, again: Math.min(now + Math.max(left, 1), last), since };
}
