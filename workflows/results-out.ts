import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import {
  defineQuery,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { DeliveredResults, OrchestratorActivities } from '../activities/types.ts';
import { RESULTS_OUT, type ResultsOutView, SIGNAL } from './messages.ts';

const { deliverResults } = proxyActivities<Pick<OrchestratorActivities, 'deliverResults'>>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

const viewQuery = defineQuery<ResultsOutView>(RESULTS_OUT.view);

/** A receiver that is away is asked again after this, doubled each time. Milliseconds. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;

export interface ResultsOutState {
  readonly view: ResultsOutView;
  readonly failures: number;
}

/**
 * Sends results to one sink, turn by turn, for as long as a configuration names it. There is one such run for a sink, so that one worker at
 * a time sends; what was sent is in the ledger, and nothing of it here.
 */
export async function resultsOut(sink: string, carried?: ResultsOutState): Promise<void> {
  let view: ResultsOutView = carried?.view ?? { sink, sent: 0, behind: 0 };
  let failures = carried?.failures ?? 0;
  setHandler(viewQuery, () => view);
  // Sent to all runs when there is a new version: looked for after each turn anyway.
  setHandler(defineSignal(SIGNAL.version), () => undefined);
  for (;;) {
    const { sent, behind, failure, stopped, unknown } = await turn(sink, view);
    if (unknown === true) return;
    const since = view.failure?.since ?? new Date().toISOString();
    view = {
      sink,
      sent,
      behind,
      ...(failure !== undefined && { failure: { ...failure, since } }),
      ...(stopped !== undefined && { stopped }),
    };
    failures = failure === undefined ? 0 : failures + 1;
    if (stopped !== undefined) await sleep(LONGEST_WAIT_MS);
    else if (failures > 0) await sleep(Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS));
    const { continueAsNewSuggested, targetWorkerDeploymentVersionChanged: moved } = workflowInfo();
    if (!continueAsNewSuggested && !moved) continue;
    const next = makeContinueAsNewFunc<typeof resultsOut>(moved ? { initialVersioningBehavior: 'AUTO_UPGRADE' } : {});
    await next(sink, { view, failures });
  }
}

/** One turn. A ledger that can't be read or written is waited for like a receiver that is away. */
async function turn(sink: string, { sent, behind }: ResultsOutView): Promise<DeliveredResults> {
  try {
    return await deliverResults({ sink });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    const code = (cause instanceof ApplicationFailure ? cause.type : undefined) ?? 'failed';
    return { sent, behind, failure: { code, text: cause?.message ?? error.message } };
  }
}
