import type { ActionCounts, ItemAction } from './action.ts';
import type { Order } from './approval.ts';
import type { Incremental } from './incremental.ts';
import type { EventFigures } from './intake.ts';
import type { JobLimits } from './limits.ts';
import type { Counters } from './outcome.ts';
import type { RetryTarget, Whole } from './retry.ts';

export const RUNNING_STATES = ['running', 'paused', 'held', 'cancelling'] as const;
export const FINAL_STATES = ['completed', 'completed_with_gaps', 'cancelled', 'failed'] as const;
export type RunningState = (typeof RUNNING_STATES)[number];
export type FinalState = (typeof FINAL_STATES)[number];
export type JobState = RunningState | FinalState;

export function isFinal(state: JobState): state is FinalState {
  return (FINAL_STATES as readonly string[]).includes(state);
}

/**
 * `apply`: carries out actions on findings of a job that has ended; scans nothing. `on-access`: scans what events tell of, for a
 * day or 100,000 items.
 */
export const JOB_KINDS = ['full', 'requested', 'retry', 'apply', 'on-access'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** Which storage a job scans: a connector of the configuration, or a folder named at the start. */
export type Source =
  | { readonly kind: 'connector'; readonly id: string }
  /** `path` is absolute and real (no links in it). `id` is `folder-` and a hash of that path. */
  | { readonly kind: 'folder'; readonly id: string; readonly path: string };

/** `reported_by_connector`: a remote connector lists by itself, and pushes what it lists. */
export type Coverage = 'reported_by_connector';

/** The effective settings of a scan. Two starts with equal settings join; others are refused. */
export interface ScanSettings {
  /** The filter as the user wrote it (`domain/filter`). Empty: everything. */
  readonly filter: string;
  readonly action: ItemAction;
  /** Absolute folder (filesystem) or prefix (buckets). Always excluded from the scan. */
  readonly quarantine?: string;
  readonly dryRun: boolean;
  /** Bytes; larger items end `skipped` under the rule `size`. Absent: no limit of our own. */
  readonly maxSize?: number;
  /** Name of the scanner in the workers' configuration. */
  readonly scanner: string;
  /** Item actions that the jobs of the source may carry out in the window without anybody's approval. Absent: no limit. */
  readonly maxActions?: number;
  /** Seconds; present when `maxActions` is. */
  readonly maxActionsWindow?: number;
  /** Full scans: what is unchanged since it was judged clean is skipped. */
  readonly incremental?: true;
  /** Seconds after which it is scanned again all the same; present when `incremental` is. */
  readonly rescanAfter?: number;
}

/** The window of `maxActions` where none is named, and the longest one, in seconds. */
export const ACTIONS_WINDOW = 86_400;
export const LONGEST_ACTIONS_WINDOW = 31 * 86_400;

/** Something that the scan could not cover. Carried as counts by class with one example place each, never as a list of items. */
export interface Gap {
  /**
   * - `failed`, `unscannable`, `inconclusive`: items with that outcome
   * - `folder_unreadable`: a folder could not be listed
   * - `listing_broken`: the listing ended before its end
   * - `action_failed`, `action_waiting`: item actions that did not end `done`
   * - `empty_asset`: nothing is listed where the last scan found items
   * - `other_device`: the asset lies on another device than at the last scan
   * - `events_dropped`: events that were not scanned: they waited when an on-access job was cancelled, or could not be read any more
   */
  readonly class:
    | 'failed'
    | 'unscannable'
    | 'inconclusive'
    | 'folder_unreadable'
    | 'listing_broken'
    | 'action_failed'
    | 'action_waiting'
    | 'empty_asset'
    | 'other_device'
    | 'events_dropped';
  readonly count: number;
  readonly detail?: string;
}

/**
 * Why a job does nothing at the moment.
 * - `paused`, `cancelling`: somebody asked for it (`by`)
 * - `held`: the scanner or the storage stands in the way (`reason`: a code and a sentence); it goes on by itself
 * - `outside_hours`: it works in its hours only, which open at `until`
 * - `waiting_for_worker`: nobody asks for its work
 */
export const IDLE_REASONS = ['paused', 'held', 'outside_hours', 'waiting_for_worker', 'cancelling'] as const;
export interface IdleReason {
  readonly why: (typeof IDLE_REASONS)[number];
  readonly by?: string;
  readonly reason?: string;
  /** ISO 8601, as `until`. */
  readonly since?: string;
  readonly until?: string;
}

/** The answer of the `progress` query, the body of the status projection and of the API's job resource. */
export interface JobProgress {
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  readonly settings: ScanSettings;
  /** What a retry retries. */
  readonly retry?: RetryTarget;
  /** Who says what there is: a remote connector lists by itself, and nobody here can tell whether it left something out. Absent: we do. */
  readonly coverage?: Coverage;
  /** On-access jobs: which part of the connector's events. */
  readonly shard?: number;
  /** On-access jobs: how they stand with their events. Absent once they have ended. */
  readonly events?: EventFigures;
  readonly state: JobState;
  readonly idle?: IdleReason;
  /** What bounds it, and who said so last. Absent when nobody ever set a limit. */
  readonly limits?: JobLimits;
  /** Where its storage is reached from; absent: nowhere in particular. */
  readonly site?: string;
  readonly actor: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Rises with every change that the workflow publishes; carried over continue-as-new. */
  readonly revision: number;
  readonly listed: number;
  readonly listedBytes: number;
  readonly listingDone: boolean;
  /** Entries that the listing met outside the scope. */
  readonly outside: number;
  /** Sums over the rows of closed pages, and of pages that were handed back and wait for their next turn. */
  readonly counters: Counters;
  readonly pages: {
    readonly listed: number;
    readonly open: number;
    readonly closed: number;
    /** Ids of the open pages: only their live figures join `counters`. */
    readonly inFlight?: readonly string[];
  };
  readonly actions: ActionCounts;
  /** Apply jobs: what they carry out, by whose word. */
  readonly order?: Order;
  readonly gaps: readonly Gap[];
  /** A retry that has ended: the account of the first job and its retries together. */
  readonly whole?: Whole;
  /** Of an incremental scan. */
  readonly incremental?: Incremental;
  /** Why the job failed, when it did. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** Last commit of the job's ledger; the root once the state is final. */
  readonly commit?: { readonly number: number; readonly hash: string };
}

/** Live figures of the pages now open, published by scan workers and summed by whoever asks. */
export interface LiveFigures {
  /** Counters of the open pages' rows so far (they join the progress's `counters` when their page closes). */
  readonly counters: Counters;
  /** The same by page. Pages that have closed stay for a few seconds, so that no moment counts their rows nowhere. */
  readonly pages?: Readonly<Record<string, Counters>>;
  readonly inFlight: number;
  /** Items per second and bytes per second over the last few seconds. */
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
}
