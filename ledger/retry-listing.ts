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
