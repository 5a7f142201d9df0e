import type { ScanSettings } from './job.ts';

/** The source of events that each kind of connector can be asked through. */
export const PULLS = {
  aws_s3: 'sqs',
  azure_blob_storage: 'storage-queue',
  google_cloud_storage: 'pubsub',
  sharepoint: 'delta',
  onedrive: 'delta',
  filesystem: 'files',
} as const;

/** What the watch of one connector is to do: from its configuration, without secrets. */
export interface WatchOrder {
  readonly connector: string;
  /** Of a connector that was made through the API: with another one its source, its asset or its secrets may be others. */
  readonly revision?: number;
  readonly site?: string;
  /** Events are sent to the API. */
  readonly webhook: boolean;
  /** Events are fetched from a source of this kind. */
  readonly pull?: string;
  /** Its storage is told to notify us, which must be renewed again and again. */
  readonly subscribes: boolean;
  /** Seconds between two sweeps. Absent: there are none. */
  readonly reconcile?: number;
  /** What a sweep scans with; absent with `reconcile` when no scanner is configured that could. */
  readonly scan?: ScanSettings;
}

/**
 * - `watching`: all is well
 * - `failing`: the source or what takes its events fails; it is tried again by itself
 * - `held`: it fails until somebody mends it; it is tried again now and then
 * - `paused`: somebody asked for it
 * - `stopping`: the connector is no longer watched
 */
export const WATCH_STATES = ['watching', 'failing', 'held', 'paused', 'stopping'] as const;
export type WatchState = (typeof WATCH_STATES)[number];

/** Sums since the watch began. */
export interface WatchCounts {
  readonly events: number;
  /** Told of, and no events: deletions, test messages, other places. */
  readonly ignored: number;
  /** Messages that could not be understood. */
  readonly unreadable: number;
}

export const NO_WATCH_COUNTS: WatchCounts = { events: 0, ignored: 0, unreadable: 0 };

export function addWatchCounts(a: WatchCounts, b: WatchCounts): WatchCounts {
  return {
    events: a.events + b.events,
    ignored: a.ignored + b.ignored,
    unreadable: a.unreadable + b.unreadable,
  };
}

/** The last event that came. */
export interface LastEvent {
  /** When it came, ISO 8601. */
  readonly at: string;
  /** Milliseconds from the change in the storage until the event was taken for good. */
  readonly lagMs: number;
}

/** Why something fails, since when, and how often in a row. Times are ISO 8601. */
export interface WatchTrouble {
  readonly code: string;
  readonly detail: string;
  readonly since: string;
  readonly failures: number;
  readonly retryAt: string;
}

/** What a sweep came to. */
export interface SweepReport {
  /** When it ended. */
  readonly at: string;
  /** `skipped`: another scan of the connector ran, which found the same. */
  readonly outcome: 'swept' | 'skipped' | 'failed';
  readonly job?: string;
  /** Final state of its job, or the code of its failure. */
  readonly state?: string;
  readonly listed?: number;
  /** Items that were new or changed, and that no event had brought. */
  readonly found?: number;
}

/** How the watch of a connector is: the answer of its query, the body of the status projection and of the API. */
export interface WatchHealth {
  readonly connector: string;
  readonly site?: string;
  readonly state: WatchState;
  readonly source: { readonly webhook: boolean; readonly pull?: string };
  /** Rises with every change; carried over continue-as-new. */
  readonly revision: number;
  readonly startedAt: string;
  readonly counts: WatchCounts;
  readonly lastEvent?: LastEvent;
  /** When the source last answered, whether or not it had something. */
  readonly answeredAt?: string;
  readonly paused?: { readonly by: string; readonly since: string; readonly reason?: string };
  readonly trouble?: WatchTrouble;
  readonly subscription?: { readonly expiresAt?: string; readonly trouble?: WatchTrouble };
  readonly sweep?: {
    /** Seconds. */
    readonly every: number;
    readonly nextAt?: string;
    readonly runningSince?: string;
    readonly last?: SweepReport;
    /** Sum of what sweeps found. */
    readonly found: number;
  };
}

/** What the worker that watches tells between two turns. */
export interface WatchLive {
  /** Of the turn so far. */
  readonly counts: WatchCounts;
  readonly lastEvent?: LastEvent;
  /** What was told up to here is in the workflow's own sums once that names this moment. */
  readonly answeredAt: string;
}

/** The health with what the turn under way told live. */
export function withLive(health: WatchHealth, live: WatchLive | undefined): WatchHealth {
  if (live === undefined || live.answeredAt <= (health.answeredAt ?? '')) return health;
  const { counts, lastEvent, answeredAt } = live;
  return {
    ...health,
    counts: addWatchCounts(health.counts, counts),
    answeredAt,
    ...(lastEvent !== undefined && { lastEvent }),
  };
}
