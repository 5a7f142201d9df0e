import { median } from './measure.ts';

/** What a run took, in seconds: by the clock, and of this process's CPU. */
export interface Cost {
  readonly seconds: number;
  readonly cpu: number;
}

/** Compared round by round: half of the rounds lie between `low` and `high`. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Every run once a round, in an order that turns from one round to the next: what grows or wears off while they run, and what one leaves
 * behind for the next to clear away, meets them alike.
 */
export async function inRounds(
  rounds: number,
  runs: ReadonlyMap<string, () => Promise<Cost>>,
): Promise<ReadonlyMap<string, readonly Cost[]>> {
  const costs = new Map([...runs.keys()].map((name) => [name, [] as Cost[]]));
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? [...runs] : [...runs].reverse();
    for (const [name, run] of order) costs.get(name)?.push(await run());
  }
  return costs;
}

export function middleOf(costs: readonly Cost[]): Cost {
  return { seconds: median(costs.map(({ seconds }) => seconds)), cpu: median(costs.map(({ cpu }) => cpu)) };
}

/** How many times as dear the others are, by what both took in the same round. */
export function ratioOf(what: keyof Cost, others: readonly Cost[], ours: readonly Cost[]): Ratio {
  const ratios = ours.map((cost, i) => (others[i]?.[what] ?? Number.NaN) / cost[what]).sort((a, b) => a - b);
  const at = (share: number): number => ratios[Math.round(share * (ratios.length - 1))] ?? Number.NaN;
  return { median: median(ratios), low: at(0.25), high: at(0.75) };
}
