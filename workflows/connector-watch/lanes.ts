import { type Duration, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  startChild,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { WatchActivities, WatchFeedState } from '../../activities/types.ts';
import type { WatchOrder } from '../../domain/watch.ts';
import { QUEUE, siteQueue, sweepWorkflowId, WORKFLOW } from '../messages.ts';
import { failureOf } from '../scan-job/activity-failure.ts';
import type { Watch } from './rules.ts';

/** Ends the turn under way, if there is one. */
export interface Interrupt {
  turn: (() => void) | undefined;
}

export interface Lanes {
  readonly watch: Watch;
  readonly interrupt: Interrupt;
  /** The run is to end: nothing new begins. */
  readonly leaving: () => boolean;
  readonly publish: () => void;
}

/** Temporal's longest timer is far above this; a lane looks up once in a while for nothing. */
const LONGEST_WAIT_MS = 86_400_000;
/** Above the time of a turn, and the hand-off of its last batch. */
const LONGEST_TURN = '30m';
const LONGEST_CALL = '2m';
/** A turn that no worker takes within this is told as what it is. */
const TAKEN_WITHIN = '1m';
const NO_WORKER = 'no worker of this connector’s site has a free slot to watch it; start one there, with the role scan';
/** How often a subscription is tried to be removed at the end. */
const REMOVALS = 5;

function activitiesOf({ site }: WatchOrder, startToCloseTimeout: Duration): WatchActivities {
  return proxyActivities<WatchActivities>({
    taskQueue: siteQueue(QUEUE.watch, site),
    startToCloseTimeout,
    scheduleToStartTimeout: TAKEN_WITHIN,
    heartbeatTimeout: '10s',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    // A turn is begun anew by the rules, from where it was.
    retry: { maximumAttempts: 1 },
  });
}

/** Waits until it is due, which may change meanwhile. False: the run is to end. */
async function due(inMs: () => number | undefined, leaving: () => boolean): Promise<boolean> {
  const at = (): number => Date.now() + (inMs() ?? Number.POSITIVE_INFINITY);
  for (;;) {
    if (leaving()) return false;
    if (inMs() === 0) return true;
    const then = at();
    const wait = Math.max(1, Math.ceil(Math.min(then - Date.now(), LONGEST_WAIT_MS)));
    await condition(() => leaving() || at() !== then, wait);
  }
}

/** One turn of the source after the other. */
export async function feedLane({ watch, interrupt, leaving, publish }: Lanes): Promise<void> {
  while (await due(() => watch.turnIn(Date.now()), leaving)) {
    const { watchFeed } = activitiesOf(watch.state.order, LONGEST_TURN);
    const scope = new CancellationScope();
    interrupt.turn = () => scope.cancel();
    try {
      const input = watch.beginTurn(Date.now());
      watch.endTurn(await scope.run(() => watchFeed(input)), Date.now());
    } catch (error) {
      const told = lastTold(error);
      if (isCancellation(error)) watch.endTurn(told ?? NOTHING, Date.now());
      else watch.lostTurn(...reason(error), told, Date.now());
    } finally {
      interrupt.turn = undefined;
    }
    publish();
  }
}

const NOTHING: WatchFeedState = { counts: { events: 0, ignored: 0, unreadable: 0 } };

function lastTold(error: unknown): WatchFeedState | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof TimeoutFailure ? (cause.lastHeartbeatDetails as WatchFeedState | undefined) : undefined;
}

function reason(error: unknown): readonly [code: string, detail: string] {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof TimeoutFailure) {
    if (cause.timeoutType === 'SCHEDULE_TO_START') return ['no_worker', NO_WORKER];
    return ['worker_lost', 'the worker that watched it is gone; another one goes on'];
  }
  const { code, detail } = failureOf(error);
  return [code, detail];
}

/** Keeps the storage's promise to notify us alive. */
export async function subscriptionLane({ watch, leaving, publish }: Lanes): Promise<void> {
  while (await due(() => watch.subscriptionIn(Date.now()), leaving)) {
    try {
      const { keepSubscription } = activitiesOf(watch.state.order, LONGEST_CALL);
      const action = watch.careForSubscription();
      const kept = await keepSubscription({ ...subjectOf(watch), action });
      watch.subscribed(kept.subscription, Date.now());
    } catch (error) {
      const [code, detail] = reason(error);
      watch.subscriptionFailed({ code, detail, hold: failureOf(error).hold }, Date.now());
    }
    publish();
  }
}

function subjectOf({ state: { order, subscription } }: Watch) {
  const { connector } = order;
  const known = subscription && { id: subscription.id, expiresAt: subscription.expiresAt };
  return { connector, source: { kind: 'connector' as const, id: connector }, ...(known && { subscription: known }) };
}

/** A subscription that can't be removed expires by itself. */
export async function unsubscribe(watch: Watch): Promise<void> {
  if (watch.state.subscription === undefined) return;
  const { keepSubscription } = activitiesOf(watch.state.order, LONGEST_CALL);
  for (let left = REMOVALS; left > 0; left -= 1) {
    try {
      await keepSubscription({ ...subjectOf(watch), action: 'remove' });
      watch.subscribed(undefined, Date.now());
      return;
    } catch (error) {
      log.warn('the subscription could not be removed', { error });
      if (left > 1) await sleep('10s');
    }
  }
}

/** Starts a sweep whenever one is due. It goes its own way, and tells its end by a signal. */
export async function sweepLane({ watch, leaving, publish }: Lanes): Promise<void> {
  while (await due(() => watch.sweepIn(Date.now()), leaving)) {
    const { order } = watch.state;
    try {
      await startChild(WORKFLOW.reconcileSweep, {
        workflowId: sweepWorkflowId(order.connector),
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [order],
        staticSummary: `Sweep of connector ${order.connector}`,
      });
      watch.sweepBegun(Date.now(), true);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // One that still runs tells its end too.
      watch.sweepBegun(Date.now(), false);
    }
    publish();
  }
}
