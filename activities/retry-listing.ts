import type { ListEvent, Listing, Position } from '../connectors/connector.ts';
import type { RetryPlan } from '../domain/retry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { proveChain } from '../ledger/retry-chain.ts';
import { SelectedItems } from '../ledger/retry-listing.ts';
import type { NewestPlace } from '../ledger/retry-rows.ts';

/** A batch that finds nothing for this long says that it goes on, in milliseconds. */
const PATIENCE_MS = 500;

/**
 * The rows that a retry selects, in the shape of a listing. The ledgers are proven up to the roots that the plan names before the
 * first row is read.
 * @throws LedgerError `corrupt` when a ledger is not the one that the plan names, `not_found` when it is gone
 */
export async function listRetried(
  ledger: Pick<Ledger, 'job'>,
  plan: RetryPlan,
  from: Position | undefined,
): Promise<Listing> {
  const place = from?.place as NewestPlace | undefined;
  const items = new SelectedItems(plan, await proveChain(ledger, plan), place);
  const next = async (): Promise<ListEvent | undefined> => {
    const found = await items.next(PATIENCE_MS);
    if (found === undefined) return undefined;
    return found === 'looking' ? { kind: 'outside', count: 0 } : { kind: 'item', item: found };
  };
  return {
    next,
    async nextBatch(max, signal) {
      const events: ListEvent[] = [];
      while (events.length < max) {
        signal.throwIfAborted();
        const event = await next();
        if (event === undefined) break;
        events.push(event);
        if (event.kind === 'outside') break;
      }
      return events;
    },
    position: () => ({ place: items.place() }),
    requests: () => 0,
    close: async () => undefined,
  };
}
