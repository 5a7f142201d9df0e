import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  makeContinueAsNewFunc,
  proxySinks,
  type Sinks,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { SweepReport, WatchHealth, WatchOrder } from '../../domain/watch.ts';
import { REFUSAL, SIGNAL, WATCH, type WakeReason } from '../messages.ts';
import { handOverDue, versionChanged } from '../scan-job/hand-over.ts';
import { feedLane, type Interrupt, subscriptionLane, sweepLane, unsubscribe } from './lanes.ts';
import { Watch, type WatchRun } from './rules.ts';

/** Who steers a watch. */
export interface WatchControl {
  readonly actor: string;
  readonly reason?: string;
}

const orderSignal = defineSignal<[WatchOrder]>(WATCH.order);
const stopSignal = defineSignal<[WatchControl?]>(WATCH.stop);
const wakeSignal = defineSignal<[WakeReason?]>(WATCH.wake);
const sweptSignal = defineSignal<[SweepReport]>(WATCH.swept);
const versionSignal = defineSignal(SIGNAL.version);
const pauseUpdate = defineUpdate<WatchHealth, [WatchControl]>(WATCH.pause);
const resumeUpdate = defineUpdate<WatchHealth, [WatchControl]>(WATCH.resume);
const sweepUpdate = defineUpdate<WatchHealth, [WatchControl]>(WATCH.sweep);
const healthQuery = defineQuery<WatchHealth>(WATCH.health);

const SWEEPS_OFF = 'no sweeps are configured: give watch.reconcile a time, and have a scanner';

/** Health goes out by a sink, which costs no history; it may be lost or repeated, and the revision sorts that out. */
export interface WatchSinks extends Sinks {
  watch: { publish(health: WatchHealth): void };
}
const sinks = proxySinks<WatchSinks>();

/**
 * Watches one connector for as long as it is configured so: keeps one turn of its source under way, its subscription alive, and
 * its sweeps coming. Ends when told to stop; Temporal's Cancel means that too.
 */
export async function connectorWatch(order: WatchOrder, carried?: WatchRun): Promise<void> {
  const watch = carried === undefined ? Watch.begin(order, Date.now()) : new Watch(carried);
  const interrupt: Interrupt = { turn: undefined };
  let shown = -1;
  const publish = (): void => {
    const health = watch.health();
    if (health.revision === shown) return;
    shown = health.revision;
    sinks.watch.publish(health);
    setCurrentDetails(detailsOf(health));
  };
  setHandler(healthQuery, () => watch.health());
  setHandler(orderSignal, (given) => {
    if (watch.accept(given, Date.now())) interrupt.turn?.();
    publish();
  });
  setHandler(wakeSignal, (reason = 'changed') => {
    const inMs = watch.wake(reason, Date.now());
    publish();
    if (inMs === 0) interrupt.turn?.();
    else if (inMs !== undefined) void endLater(interrupt, inMs);
  });
  setHandler(sweptSignal, (report) => {
    watch.swept(report, Date.now());
    publish();
  });
  const stop = (by: string): void => {
    watch.stop(by);
    interrupt.turn?.();
    publish();
  };
  setHandler(stopSignal, (control) => stop(control?.actor ?? 'temporal'));
  // Whatever wakes a run makes it look at the workers' version.
  setHandler(versionSignal, () => undefined);
  const refuse = (): void => {
    if (!watch.stopping) return;
    throw ApplicationFailure.nonRetryable(`${watch.state.order.connector} is no longer watched`, REFUSAL.jobEnded);
  };
  setHandler(
    pauseUpdate,
    ({ actor, reason }) => {
      watch.pause(actor, reason, Date.now());
      interrupt.turn?.();
      publish();
      return watch.health();
    },
    { validator: (_control) => refuse() },
  );
  setHandler(
    resumeUpdate,
    () => {
      watch.resume();
      publish();
      return watch.health();
    },
    { validator: (_control) => refuse() },
  );
  setHandler(
    sweepUpdate,
    () => {
      watch.askSweep();
      publish();
      return watch.health();
    },
    {
      validator: (_control) => {
        refuse();
        if (watch.sweepsAreOff) throw ApplicationFailure.nonRetryable(SWEEPS_OFF, REFUSAL.sweepsOff);
      },
    },
  );
  CancellationScope.current().cancelRequested.catch((error: unknown) => {
    if (isCancellation(error)) stop('temporal');
  });

  await CancellationScope.nonCancellable(async () => {
    publish();
    const leaving = (): boolean => watch.stopping || handOverDue(watch.state);
    const lanes = { watch, interrupt, leaving, publish };
    const over = condition(leaving).then(() => interrupt.turn?.());
    await Promise.all([over, feedLane(lanes), subscriptionLane(lanes), sweepLane(lanes)]);
    if (watch.stopping) await unsubscribe(watch);
    await condition(allHandlersFinished);
  });
  publish();
  if (!watch.stopping) await handOver(watch.state);
}

/** Ends the turn that is under way now after a while, unless that has ended by itself. */
async function endLater(interrupt: Interrupt, inMs: number): Promise<void> {
  const { turn } = interrupt;
  await CancellationScope.nonCancellable(() => sleep(inMs));
  if (interrupt.turn === turn) turn?.();
}

/** Goes on in a new run with the same state; under the workers' present version, if that is another one. Never returns. */
async function handOver(state: WatchRun): Promise<never> {
  if (!versionChanged(state)) return await makeContinueAsNewFunc<typeof connectorWatch>()(state.order, state);
  const leftVersion = workflowInfo().currentDeploymentVersion?.buildId;
  const next = makeContinueAsNewFunc<typeof connectorWatch>({ initialVersioningBehavior: 'AUTO_UPGRADE' });
  return await next(state.order, { ...state, ...(leftVersion !== undefined && { leftVersion }) });
}

/** What an operator reads in the Temporal UI. */
function detailsOf({ state, counts, trouble, lastEvent, sweep, paused }: WatchHealth): string {
  return [
    `**${state}**${paused === undefined ? '' : ` by ${paused.by} since ${paused.since}`}`,
    '',
    `${counts.events} events, ${counts.ignored} ignored, ${counts.unreadable} unreadable`,
    ...(lastEvent === undefined ? [] : [`last event ${lastEvent.at}`]),
    ...(trouble === undefined ? [] : [`${trouble.code} since ${trouble.since}: ${trouble.detail}`]),
    ...(sweep?.last === undefined ? [] : [`last sweep ${sweep.last.at}: ${sweep.last.found ?? 0} found`]),
  ].join('\n');
}
