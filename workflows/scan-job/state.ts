import type { Checkpoint, OpenedJob, OpenedRetry, TakenJob } from '../../activities/types.ts';
import type { ActionCounts } from '../../domain/action.ts';
import type { Incremental } from '../../domain/incremental.ts';
import type { FinalState, IdleReason, RunningState } from '../../domain/job.ts';
import type { JobLimits } from '../../domain/limits.ts';
import type { Counters } from '../../domain/outcome.ts';
import type { Account, ActionResult, ObjectRef, PageResult } from '../../ledger/types.ts';
import type { StartRequest } from '../messages.ts';

/** A page to be scanned: the index that names it, and how far it is. */
export interface PageTask {
  readonly page: string;
  readonly index: ObjectRef;
  readonly checkpoint?: Checkpoint;
}

/** Pages of one index that were not dispatched yet: numbers `next` … `end - 1` of a lane. */
export interface PageRange {
  readonly index: ObjectRef;
  readonly lane: number;
  next: number;
  readonly end: number;
}

/** Intents to be carried out: those from `next` on. */
export interface ActionBatch {
  readonly intents: ObjectRef;
  next: number;
  readonly end: number;
  /** The brake has been asked and lets them pass, or need not be asked. */
  readonly permitted?: true;
  /** The page whose findings they are about; absent where several pages' are. */
  readonly page?: string;
}

/** What a retry builds on, and what it came to so far. */
export interface RetryState extends OpenedRetry {
  /** Items listed because their rows were selected. */
  selected: number;
  /** Counters of the rows that the closed pages replace. */
  replaced: Counters;
}

export interface Hold {
  readonly code: string;
  readonly detail: string;
  readonly since: string;
  /** Probes that failed so far. */
  readonly probes: number;
  /** Set on a mere suspicion when what failed did so at once: nothing is begun before a probe has answered. */
  readonly stops?: boolean;
}

/** Times are ISO 8601. */
export interface HoursNow {
  readonly open: boolean;
  readonly since: string;
  readonly until?: string;
  /** Why nobody can tell whether they are open: then they are taken for closed. */
  readonly problem?: string;
}

/**
 * Everything a scan job must not forget: names of our own, numbers and sums, never items. Plain data, carried as it is over
 * continue-as-new. Its size grows with indexes and open pages, not with items.
 */
export interface ScanJobState {
  request: StartRequest;
  readonly startedAt: string;
  control: RunningState;
  idle?: IdleReason;
  hold?: Hold;
  /** Holds that a probe released, one after the other, with no work done between them. */
  strikes?: number;
  limits?: JobLimits;
  /** Whether the hours of the limits are open, as last told. Absent while there are hours: not known yet. */
  hours?: HoursNow;
  revision: number;
  /** Build id of the workers that the run before was to leave. */
  readonly leftVersion?: string;
  header?: ObjectRef;
  /** Set when the job was begun before, by another run: this one does nothing. */
  taken?: TakenJob;
  /** Workflow ids of those that are told when the scan has ended. */
  waiters?: string[];
  /** A start with this job's idempotency key has been answered: the next one is a repeat. */
  answered?: true;
  opened?: OpenedJob;
  retry?: RetryState;
  failure?: { readonly code: string; readonly message: string };

  listing: { after?: ObjectRef; nextPage: number; turnPages: number; pageItems: number; done: boolean };
  listed: number;
  listedBytes: number;
  outside: number;
  pagesListed: number;
  pagesClosed: number;
  folderGaps: number;
  broken?: { readonly code: string; readonly message: string };
  /** On-access jobs: events that are not scanned, because the job was cancelled or they can't be read any more. */
  dropped?: number;
  /** Of an incremental scan. */
  incremental?: Incremental;

  /** Pages that were listed and not dispatched, in order. */
  ranges: PageRange[];
  /** Pages that were handed back: they go first. */
  returned: PageTask[];
  /** Sums over closed pages. */
  closed: Counters;

  /** Closed pages with malicious rows whose actions are not planned yet. */
  toPlan: PageResult[];
  /** Apply jobs: the intents that the order names are still to be gathered. */
  toGather?: true;
  toApply: ActionBatch[];
  /** Number of the next action batch, and so of the page that it may list again. */
  nextBatch: number;
  actions: ActionCounts;
  /** Malicious items left in place without a reason that settles it. */
  unresolved: number;

  uncommitted: { indexes: ObjectRef[]; pages: PageResult[]; actions: ActionResult[] };
  /** Counters of all committed pages. */
  committed: Counters;
  commit?: { readonly number: number; readonly hash: string };
  /** What the last commit says, from the moment that it was first tried: trying again writes the same bytes. */
  account?: Account;
}

/** What a scan workflow ends with. */
export interface JobResult {
  readonly job: string;
  readonly state: FinalState;
  readonly listed: number;
  readonly counters: Counters;
  readonly actions: ActionCounts;
  /** Of an incremental scan: items that it scanned although no event had brought them. Absent where nobody can tell. */
  readonly unannounced?: number;
  /** Hash of the last commit: stands for the whole ledger of the job. */
  readonly root: string;
}
