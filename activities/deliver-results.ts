import { Context } from '@temporalio/activity';
import { deliverTurn } from '../results/turn.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { DeliveredResults, DeliverResultsInput } from './types.ts';

/** One turn, in milliseconds: how old the workflow's view may be, and what a frozen process may send twice. */
const TURN_MS = 20_000;

/** Sends the results that are written down to a sink, for one turn. @throws LedgerError */
export function createDeliverResults(
  deps: OrchestratorDeps,
  turnMs = TURN_MS,
): (input: DeliverResultsInput) => Promise<DeliveredResults> {
  return async ({ sink: id }) => {
    const sink = deps.sinks?.get(id);
    if (sink === undefined) return { sent: 0, behind: 0, unknown: true };
    const signal = Context.current().cancellationSignal;
    return await withPulse((pulse) =>
      deliverTurn(deps.ledger, sink, { turnMs, signal, mayGoOn: () => pulse.mayGoOn() }),
    );
  };
}
