import type { Item } from '../domain/item.ts';
import { isRetriable, type RetryPlan, selects, wasOf } from '../domain/retry.ts';
import { corrupt } from './ndjson.ts';
import type { ProvenMember } from './retry-chain.ts';
import { type NewestPlace, NewestRows } from './retry-rows.ts';

/** The items that a retry scans, in order. */
export class SelectedItems {
  readonly #plan: RetryPlan;
  readonly #rows: NewestRows;
  readonly #named: number;

  /** @param chain the plan's, as it was proven */
  constructor(plan: RetryPlan, chain: readonly ProvenMember[], from?: NewestPlace) {
    this.#plan = plan;
    this.#rows = new NewestRows(chain, plan.outcomes, from);
    this.#named = plan.chain.findIndex(({ job }) => job === plan.of);
    if (this.#named < 0) throw corrupt(`${plan.first}/`, `the job ${plan.of} that is retried is not in its chain`);
  }

  /**
   * The next item; undefined at the end; `looking` when none was found within `ms`.
   * @throws LedgerError
   */
  async next(ms: number): Promise<Item | 'looking' | undefined> {
    const began = performance.now();
    for (;;) {
      const newest = await this.#rows.next();
      if (newest === undefined) return undefined;
      const { at, row, members } = newest;
      if (members.includes(this.#named) && selects(this.#plan, row) && isRetriable(row.outcome)) {
        const { location, locationBytes, outcome, listed } = row;
        const { version, size, modified } = listed;
        return {
          location,
          ...(locationBytes !== undefined && { locationBytes }),
          ...(version !== undefined && { version }),
          ...(size !== undefined && { size }),
          ...(modified !== undefined && { modified }),
          retryOf: at,
          was: wasOf(row, outcome),
        };
      }
      if (performance.now() - began > ms) return 'looking';
    }
  }

  place(): NewestPlace {
    return this.#rows.place();
  }
}

/** What a look for selected rows came to. */
export interface Look {
  /** Undefined when it took too long to tell. */
  readonly found: boolean | undefined;
  /** Classes and reasons met among rows of the outcomes asked for, at most so many that a message can name them. */
  readonly classes: readonly string[];
}

const NAMED_CLASSES = 12;

/**
 * Whether a retry would list anything, as far as that can be told within `ms`.
 * @throws LedgerError
 */
export async function lookForSelected(plan: RetryPlan, chain: readonly ProvenMember[], ms: number): Promise<Look> {
  const rows = new NewestRows(chain, plan.outcomes);
  const named = plan.chain.findIndex(({ job }) => job === plan.of);
  const classes = new Set<string>();
  const look = (found: boolean | undefined): Look => ({ found, classes: [...classes].sort() });
  const began = performance.now();
  for (let newest = await rows.next(); newest !== undefined; newest = await rows.next()) {
    const { row, members } = newest;
    if (members.includes(named)) {
      if (selects(plan, row)) return look(true);
      const asked = (plan.outcomes as readonly string[]).includes(row.outcome);
      if (asked && row.reason !== undefined && classes.size < NAMED_CLASSES) classes.add(row.reason);
    }
    if (performance.now() - began > ms) return look(undefined);
  }
  return look(false);
}
