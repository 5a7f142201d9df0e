import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { EstimatedTurn, PlanActivities } from '../activities/types.ts';
import { addCounts, BEGUN, type Estimate, type EstimateState } from '../domain/estimate.ts';
import { ESTIMATE, type EstimateRequest, type EstimateView, QUEUE, siteQueue } from './messages.ts';
import { failureOf } from './scan-job/activity-failure.ts';

const viewQuery = defineQuery<EstimateView>(ESTIMATE.view);
const stopUpdate = defineUpdate<EstimateView>(ESTIMATE.stop);

/** Turns are short at first, so that something can be told soon, and then longer, so that history stays short. Milliseconds. */
const FIRST_TURN_MS = 1_000;
const LONGEST_TURN_MS = 10_000;

/**
 * Counts what a scan would list, by listing it, in turns at the connector's site, until the end, the time is up, or somebody stops
 * it. What was counted till then is its result; it never fails.
 */
export async function estimateConnector(request: EstimateRequest): Promise<Estimate> {
  const { source } = request;
  let estimate = BEGUN;
  let why: EstimateState | undefined;
  const turns = new CancellationScope();
  const end = (reason: EstimateState): void => {
    why ??= reason;
    turns.cancel();
  };
  setHandler(viewQuery, () => ({ source, estimate }));
  setHandler(stopUpdate, async () => {
    end('stopped');
    await CancellationScope.nonCancellable(() => condition(() => estimate.state !== 'running'));
    return { source, estimate };
  });
  const clock = new CancellationScope();
  clock
    .run(() => sleep(request.maxSeconds * 1000))
    .then(
      () => end('out_of_time'),
      () => undefined,
    );
  try {
    const done = await turns.run(() =>
      count(request, (turn) => {
        estimate = { ...estimate, ...addCounts(estimate, turn.counts) };
        return why === undefined;
      }),
    );
    estimate = { ...estimate, state: done ? 'completed' : (why ?? 'stopped'), partial: !done };
  } catch (error) {
    if (isCancellation(error)) {
      estimate = { ...estimate, state: why ?? 'stopped' };
    } else {
      const { code, detail } = failureOf(error);
      estimate = { ...estimate, state: 'failed', failure: { code, message: detail } };
    }
  }
  clock.cancel();
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return estimate;
}

/** Turn after turn, each told; true at the end of the listing, false when `told` wants no more. */
async function count(request: EstimateRequest, told: (turn: EstimatedTurn) => boolean): Promise<boolean> {
  const { source, settings, scannerMax, site } = request;
  const { estimateTurn } = proxyActivities<PlanActivities>({
    taskQueue: siteQueue(QUEUE.plan, site),
    startToCloseTimeout: '3m',
    heartbeatTimeout: '10s',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 4 },
  });
  let after: EstimatedTurn['next'];
  for (let forMs = FIRST_TURN_MS; ; forMs = Math.min(2 * forMs, LONGEST_TURN_MS)) {
    const turn = await estimateTurn({
      source,
      settings,
      forMs,
      ...(scannerMax !== undefined && { scannerMax }),
      ...(after !== undefined && { after }),
    });
    const goOn = told(turn);
    if (turn.done) return true;
    if (!goOn) return false;
    after = turn.next;
  }
}
