import type { Subscription, WatchFeedInput, WatchFeedResult, WatchFeedState } from '../../activities/types.ts';
import {
  addWatchCounts,
  type LastEvent,
  NO_WATCH_COUNTS,
  type SweepReport,
  type WatchCounts,
  type WatchHealth,
  type WatchOrder,
  type WatchState,
  type WatchTrouble,
} from '../../domain/watch.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import type { WakeReason } from '../messages.ts';
import { Sweeps, type SweepsState } from './sweeps.ts';

/** All times are Unix time in milliseconds, but where they are text. */
const TURN_MS = 600_000;
/** Between two tries: at first, and at most. */
const RETRY = { first: 1_000, longest: 60_000 };
const HOLD = { first: 30_000, longest: 600_000 };
/** Notifications come in bursts: a turn that one of them ends has at least this age, and those that come meanwhile end it but once. */
const WAKE_GAP_MS = 2_000;
const LONGEST_DETAIL = 500;

export interface Failing {
  readonly code: string;
  readonly detail: string;
  readonly hold: boolean;
  readonly since: number;
  readonly failures: number;
  readonly retryAt: number;
}

/** What a watch carries from run to run: counters, references and times, never items. */
export interface WatchRun {
  order: WatchOrder;
  revision: number;
  readonly startedAt: string;
  counts: WatchCounts;
  cursor?: ObjectRef;
  lastEvent?: LastEvent;
  answeredAt?: string;
  paused?: { readonly by: string; readonly since: string; readonly reason?: string };
  stopping?: { readonly by: string };
  failing?: Failing;
  subscription?: Subscription & { readonly renewAt: number };
  subscriptionFailing?: Failing;
  /** The storage wants the subscription authorised again. */
  reauthorize?: true;
  sweeps: SweepsState;
  /** The worker version that a run was to leave. */
  leftVersion?: string;
}

/** The rules of the watch of one connector. Nothing here knows of Temporal; every method is told the time. */
export class Watch {
  readonly state: WatchRun;
  readonly sweeps: Sweeps;
  /** When the turn under way began. */
  #turnAt: number | undefined;
  /** What the storage said of the subscription while a call about it was under way: the answer may be older than that. */
  readonly #saidMeanwhile = new Set<WakeReason>();
  /** The turn under way is to be ended for a notification. */
  #woken = false;

  constructor(state: WatchRun) {
    this.state = state;
    this.sweeps = new Sweeps(state.sweeps);
  }

  static begin(order: WatchOrder, now: number): Watch {
    const startedAt = new Date(now).toISOString();
    const watch = new Watch({ order, revision: 0, startedAt, counts: NO_WATCH_COUNTS, sweeps: { found: 0 } });
    watch.sweeps.plan(order.reconcile, now);
    return watch;
  }

  get stopping(): boolean {
    return this.state.stopping !== undefined;
  }

  get paused(): boolean {
    return this.state.paused !== undefined;
  }

  /** True when the turn under way must end: it works for settings that no longer hold. */
  accept(order: WatchOrder, now: number): boolean {
    const before = this.state.order;
    if (JSON.stringify(before) === JSON.stringify(order)) return false;
    this.state.order = order;
    if (before.reconcile !== order.reconcile) this.sweeps.plan(order.reconcile, now);
    // What was wrong may have been mended by the new settings.
    delete this.state.failing;
    delete this.state.subscriptionFailing;
    if (!order.subscribes) delete this.state.reauthorize;
    const defined = before.revision !== order.revision;
    // It is made anew where that is called for; what is as it was is kept.
    if (defined) delete this.state.subscription;
    this.#changed();
    return before.pull !== order.pull || before.site !== order.site || defined;
  }

  pause(by: string, reason: string | undefined, now: number): void {
    if (this.paused) return;
    this.state.paused = { by, since: new Date(now).toISOString(), ...(reason !== undefined && { reason }) };
    this.#changed();
  }

  resume(): void {
    if (!this.paused) return;
    delete this.state.paused;
    delete this.state.failing;
    this.#changed();
  }

  stop(by: string): void {
    this.state.stopping ??= { by };
    this.#changed();
  }

  /** In how many milliseconds the turn under way is to be ended, so that the next one asks; undefined: it goes on. */
  wake(reason: WakeReason, now: number): number | undefined {
    if (reason === 'missed') this.sweeps.hasten(now);
    if (reason === 'reauthorize') this.state.reauthorize = true;
    if (reason === 'subscription_removed') delete this.state.subscription;
    if (reason === 'reauthorize' || reason === 'subscription_removed') {
      delete this.state.subscriptionFailing;
      this.#saidMeanwhile.add(reason);
    }
    this.#changed();
    // A turn asks when it begins: without one there is nothing to end.
    if (this.state.order.pull !== 'delta' || this.#turnAt === undefined || this.#woken) return undefined;
    this.#woken = true;
    return Math.max(0, this.#turnAt + WAKE_GAP_MS - now);
  }

  /** In how many milliseconds a turn is to begin; undefined: not before something else changes. */
  turnIn(now: number): number | undefined {
    if (this.stopping || this.paused || this.state.order.pull === undefined) return undefined;
    return Math.max(0, (this.state.failing?.retryAt ?? now) - now);
  }

  beginTurn(now: number): WatchFeedInput {
    const { order, cursor, failing } = this.state;
    this.#turnAt = now;
    this.#woken = false;
    return {
      connector: order.connector,
      source: { kind: 'connector', id: order.connector },
      ...(cursor !== undefined && { cursor }),
      turnMs: TURN_MS,
      ...(failing !== undefined && { probe: true as const }),
    };
  }

  endTurn({ failure, ...told }: WatchFeedResult, now: number): void {
    this.#turnAt = undefined;
    this.#take(told, now);
    if (failure === undefined) {
      delete this.state.failing;
    } else {
      this.state.failing = failed(this.state.failing, failure, now, told.answeredAt !== undefined);
    }
    this.#changed();
  }

  /** A turn whose worker is gone: what it last told still holds. */
  lostTurn(code: string, detail: string, told: WatchFeedState | undefined, now: number): void {
    this.endTurn({ ...(told ?? { counts: NO_WATCH_COUNTS }), failure: { code, detail, hold: false } }, now);
  }

  #take(told: WatchFeedState, now: number): void {
    const { state } = this;
    state.counts = addWatchCounts(state.counts, told.counts);
    if (told.cursor !== undefined) state.cursor = told.cursor;
    if (told.lastEvent !== undefined) state.lastEvent = told.lastEvent;
    if (told.answeredAt !== undefined) state.answeredAt = told.answeredAt;
    if (told.missed) this.sweeps.hasten(now);
  }

  /** In how many milliseconds the subscription needs care; undefined: it does not. */
  subscriptionIn(now: number): number | undefined {
    const { order, subscription, subscriptionFailing, reauthorize } = this.state;
    if (this.stopping || !order.subscribes) return undefined;
    if (subscriptionFailing !== undefined) return Math.max(0, subscriptionFailing.retryAt - now);
    if (reauthorize || subscription === undefined) return 0;
    return Math.max(0, subscription.renewAt - now);
  }

  /** A call about the subscription begins. */
  careForSubscription(): 'keep' | 'reauthorize' {
    this.#saidMeanwhile.clear();
    return this.state.reauthorize && this.state.subscription !== undefined ? 'reauthorize' : 'keep';
  }

  /** What the call came to. It is renewed at half of its life, so that there is time for tries. */
  subscribed(subscription: Subscription | undefined, now: number): void {
    delete this.state.subscriptionFailing;
    delete this.state.reauthorize;
    delete this.state.subscription;
    if (subscription !== undefined) {
      const left = Math.max(0, Date.parse(subscription.expiresAt) - now);
      const renewAt = now + Math.max(RETRY.longest, Math.floor((Number.isNaN(left) ? 0 : left) / 2));
      this.state.subscription = { ...subscription, renewAt };
    }
    if (this.#saidMeanwhile.has('subscription_removed')) delete this.state.subscription;
    if (this.#saidMeanwhile.has('reauthorize')) this.state.reauthorize = true;
    this.#saidMeanwhile.clear();
    this.#changed();
  }

  subscriptionFailed(failure: Pick<Failing, 'code' | 'detail' | 'hold'>, now: number): void {
    this.state.subscriptionFailing = failed(this.state.subscriptionFailing, failure, now, false);
    this.#changed();
  }

  get sweepsAreOff(): boolean {
    const { scan, reconcile } = this.state.order;
    return scan === undefined || reconcile === undefined;
  }

  /** Somebody wants a sweep now, also while the watch is paused. One that runs is that sweep. */
  askSweep(): void {
    if (!this.sweeps.ask()) return;
    this.#changed();
  }

  sweepIn(now: number): number | undefined {
    if (this.stopping || this.sweepsAreOff) return undefined;
    if (this.sweeps.asked) return 0;
    return this.paused ? undefined : this.sweeps.dueIn(now);
  }

  swept(report: SweepReport, now: number): void {
    this.sweeps.ended(report, this.state.order.reconcile, now);
    this.#changed();
  }

  /** @param anew false: the one before still runs */
  sweepBegun(now: number, anew: boolean): void {
    this.sweeps.begun(this.state.order.reconcile, now, anew);
    this.#changed();
  }

  health(): WatchHealth {
    const { order, subscription, subscriptionFailing, failing } = this.state;
    const { connector, site, webhook, pull, subscribes, reconcile, scan } = order;
    const { revision, startedAt, counts, lastEvent, answeredAt, paused } = this.state;
    return {
      connector,
      ...(site !== undefined && { site }),
      state: this.#shown(),
      source: { webhook, ...(pull !== undefined && { pull }) },
      revision,
      startedAt,
      counts,
      ...(lastEvent !== undefined && { lastEvent }),
      ...(answeredAt !== undefined && { answeredAt }),
      ...(paused !== undefined && { paused }),
      ...(failing !== undefined && { trouble: troubleOf(failing) }),
      ...(subscribes && {
        subscription: {
          ...(subscription !== undefined && { expiresAt: subscription.expiresAt }),
          ...(subscriptionFailing !== undefined && { trouble: troubleOf(subscriptionFailing) }),
        },
      }),
      ...(reconcile !== undefined && scan !== undefined && { sweep: this.sweeps.health(reconcile) }),
    };
  }

  #shown(): WatchState {
    const { failing, subscriptionFailing } = this.state;
    if (this.stopping) return 'stopping';
    if (this.paused) return 'paused';
    const worst = [failing, subscriptionFailing].filter((one) => one !== undefined);
    if (worst.some(({ hold }) => hold)) return 'held';
    return worst.length > 0 ? 'failing' : 'watching';
  }

  #changed(): void {
    this.state.revision += 1;
  }
}

/** The next try comes later and later, or when the source wants it. A failure after good answers begins a new row of them. */
function failed(
  before: Failing | undefined,
  failure: NonNullable<WatchFeedResult['failure']>,
  now: number,
  anew: boolean,
): Failing {
  const { code, hold, retryAfterMs } = failure;
  const row = anew ? undefined : before;
  const failures = (row?.failures ?? 0) + 1;
  const { first, longest } = hold ? HOLD : RETRY;
  const pause = Math.min(first * 2 ** Math.min(failures - 1, 20), longest);
  return {
    code,
    detail: failure.detail.slice(0, LONGEST_DETAIL),
    hold,
    since: row?.since ?? now,
    failures,
    retryAt: now + Math.max(pause, Math.min(retryAfterMs ?? 0, HOLD.longest)),
  };
}

function troubleOf({ code, detail, since, failures, retryAt }: Failing): WatchTrouble {
  return {
    code,
    detail,
    since: new Date(since).toISOString(),
    failures,
    retryAt: new Date(retryAt).toISOString(),
  };
}
