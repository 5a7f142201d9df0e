/** Permits that were given at one moment, or shortly before it. */
export interface Permit {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly count: number;
}

/** Most entries that are kept. */
const KEPT = 200;

/** How many permits count at `now`: those given less than `windowMs` ago. */
export function recent(permits: readonly Permit[], now: number, windowMs: number): number {
  return permits.reduce((sum, { at, count }) => (at > now - windowMs ? sum + count : sum), 0);
}

/**
 * The permits with `count` more given at `now`, without those older than `horizonMs`. Where entries become too many, neighbours
 * are joined under the later moment: permits then count a little longer than need be, and never too short.
 */
export function withPermits(permits: readonly Permit[], now: number, count: number, horizonMs: number): Permit[] {
  const kept = permits.filter(({ at }) => at > now - horizonMs);
  if (count > 0) {
    const last = kept.at(-1);
    // A clock that went back must not let a permit be forgotten early.
    const at = Math.max(now, last?.at ?? now);
    if (last?.at === at) kept[kept.length - 1] = { at, count: last.count + count };
    else kept.push({ at, count });
  }
  while (kept.length > KEPT) joinNearest(kept);
  return kept;
}

function joinNearest(permits: Permit[]): void {
  let best = 1;
  const gap = (i: number): number => (permits[i]?.at ?? 0) - (permits[i - 1]?.at ?? 0);
  for (let i = 2; i < permits.length; i++) if (gap(i) < gap(best)) best = i;
  const [a, b] = [permits[best - 1], permits[best]];
  if (a !== undefined && b !== undefined) permits.splice(best - 1, 2, { at: b.at, count: a.count + b.count });
}
