import { Context } from '@temporalio/activity';
import type { ListEvent, Listing, Position } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { Tally } from '../domain/estimate.ts';
import { silent } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { scopeOf } from './list-scope.ts';
import type { EstimatedTurn, EstimateTurnInput } from './types.ts';

/** Events pulled from a listing at once. */
const BATCH = 1_000;
/** A storage that takes longer over one batch is silent. Milliseconds. */
const LISTING_PATIENCE_MS = 60_000;

/**
 * One turn of an estimate: goes on listing where the last one stopped, counts, and writes down where it came to. When it is
 * cancelled it returns what it has counted.
 * @throws ConnectorError when the listing does not get on at all; LedgerError
 */
export function createEstimateTurn(deps: WorkerDeps): (input: EstimateTurnInput) => Promise<EstimatedTurn> {
  return async (input) => {
    const began = performance.now();
    const signal = Context.current().cancellationSignal;
    const connector = await deps.connector(input.source, input.settings);
    const before = input.after === undefined ? undefined : (await deps.ledger.answers.read(input.after)).facts;
    const listing = connector.list(scopeOf(input.settings), before?.position as Position | undefined);
    const tally = new Tally();
    const due = () => signal.aborted || performance.now() - began >= input.forMs;
    let position: Position | undefined;
    let done = false;
    try {
      while (!done && (position === undefined || !due())) {
        const events = await pull(listing, input.source.id, signal);
        for (const event of events) count(tally, event, input.scannerMax);
        done = events.length === 0;
        position = listing.position();
      }
    } catch (error) {
      // What was counted stands. If nothing was, and nobody stopped it, the listing does not get on.
      if (!signal.aborted && (position === undefined || !(error instanceof ConnectorError))) throw error;
    } finally {
      void listing.close().catch(() => undefined);
    }
    const counts = tally.counts(listing.requests(), Math.round(performance.now() - began) / 1000);
    if (done) return { counts, done };
    if (position === undefined) return { counts, done, ...(input.after !== undefined && { next: input.after }) };
    const facts = { kind: 'position', source: input.source.id, position };
    return { counts, done, next: await deps.ledger.answers.write({ facts, lines: [] }) };
  };
}

function pull(listing: Listing, id: string, signal: AbortSignal): Promise<readonly ListEvent[]> {
  return within(LISTING_PATIENCE_MS, listing.nextBatch(BATCH, signal), () =>
    silent(id, 'listing', LISTING_PATIENCE_MS),
  );
}

function count(tally: Tally, event: ListEvent, scannerMax: number | undefined): void {
  if (event.kind === 'item') tally.add(event.item, scannerMax);
  else if (event.kind === 'outside') tally.outside += event.count;
  else tally.gaps += 1;
}
