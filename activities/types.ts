import type { CheckReport } from '../connectors/connector.ts';
import type { ActionCounts, ItemAction } from '../domain/action.ts';
import type { Order, Span } from '../domain/approval.ts';
import type { EstimateCounts } from '../domain/estimate.ts';
import type { Incremental } from '../domain/incremental.ts';
import type { EventMark, IntakeRef } from '../domain/intake.ts';
import type { Coverage, FinalState, JobKind, JobProgress, ScanSettings, Source } from '../domain/job.ts';
import type { Hours } from '../domain/limits.ts';
import type { Counters } from '../domain/outcome.ts';
import type { ListSettings } from '../domain/preview.ts';
import type { ChainLink, RetryPlan, RetryTarget, Whole } from '../domain/retry.ts';
import type { Share } from '../domain/shares.ts';
import type { ActionResult, CommitBody, ObjectRef, PageResult } from '../ledger/types.ts';
import type { ScheduleActivities } from './schedules/types.ts';

/** What every activity that works for a job is told. */
export interface JobContext {
  readonly job: string;
  readonly source: Source;
  readonly settings: ScanSettings;
  /** Fingerprint of the asset when the job began, once that is known. */
  readonly fingerprint?: string;
  /** What works for the job knows the connector at this revision at least, once that is known. */
  readonly revision?: number;
  /** False: the job needs no scanner. */
  readonly scans?: boolean;
  /** True: the job puts items back. */
  readonly restores?: true;
}

export interface BeginJobInput extends JobContext {
  readonly kind: JobKind;
  readonly actor: string;
  readonly startedAt: string;
  readonly intake?: ObjectRef;
  readonly shard?: number;
  readonly order?: Order;
  readonly retry?: RetryTarget & { readonly chain?: readonly ChainLink[] };
  readonly bodyHash?: string;
  readonly coverage?: Coverage;
}
/** The job's header; `taken` when it was begun before, by another run: then nothing was written, and nothing may be. */
export interface BegunJob extends ObjectRef {
  readonly taken?: TakenJob;
}
/** What became of an idempotency key before. */
export interface TakenJob {
  /** The job that it stands for: its own, or the one that it joined. */
  readonly job: string;
  readonly bodyHash?: string;
  /** The account, where its own job has ended. */
  readonly ended?: {
    readonly state: FinalState;
    readonly listed: number;
    readonly counters: Counters;
    readonly actions: ActionCounts;
    readonly root: string;
  };
}
export interface NoteJoinInput {
  /** The job that the idempotency key would have started. */
  readonly job: string;
  /** The one that it joined. */
  readonly joined: string;
  readonly bodyHash: string;
}
/** What an idempotency key stands for. */
export interface BoundKey {
  readonly job: string;
  readonly bodyHash: string;
  /** It did so before. */
  readonly repeated: boolean;
}

export interface OpenRetryInput {
  readonly job: string;
  readonly retry: RetryTarget;
}
/** What a retry builds on. */
export interface OpenedRetry {
  /** The first job and all retries of it that have ended, in order. */
  readonly chain: readonly ChainLink[];
  /** Their account. */
  readonly before: Whole;
  /** Fingerprint of the asset that the first job scanned. */
  readonly fingerprint?: string;
}
export interface OpenedJob {
  readonly fingerprint: string;
  /** Of a connector that was made through the API: the revision that was opened. */
  readonly revision?: number;
  /** The last scan of the same source that has an account: to notice an asset that has become empty or another one. */
  readonly previous?: { readonly job: string; readonly listed: number; readonly fingerprint?: string };
}

export interface PlanPagesInput extends JobContext {
  readonly lane: number;
  readonly epoch: number;
  /** The index whose position this turn goes on from; absent at the beginning. */
  readonly after?: ObjectRef;
  /** Number of the first page to write. */
  readonly firstPage: number;
  /** At most so many pages in this turn. */
  readonly pages: number;
  /** Items of the first page; later ones double up to the configured size. */
  readonly pageItems: number;
  /** Requested scans: the intake page that names the items. */
  readonly intake?: ObjectRef;
  /** Retries: the rows whose items are listed. */
  readonly retry?: RetryPlan;
}
export interface PlannedTurn {
  readonly index: ObjectRef;
  readonly pages: number;
  readonly items: number;
  readonly bytes: number;
  readonly outside: number;
  readonly gaps: number;
  /** Items of the next page. */
  readonly pageItems: number;
  readonly done: boolean;
  /** Set when the listing broke in its middle: what was listed counts, the rest is a gap. */
  readonly broken?: { readonly code: string; readonly message: string };
  /** Of an incremental scan: what this turn found. */
  readonly incremental?: Incremental;
}

/**
 * How far a page is: goes by heartbeat, and into the next dispatch's input. At most 8 KiB.
 * Every row it counts lies in the chain of parts that ends with `part`.
 */
export interface Checkpoint {
  readonly v: 1;
  /** Bitmap of the ordinals that have their row in a part, base64, bit 0 of byte 0 first. */
  readonly done: string;
  /** Ordinals begun and without a row; after a death also those about to be begun. */
  readonly hands: readonly number[];
  readonly counters: Counters;
  /** Name of the last part written; absent before the first. */
  readonly part?: string;
  readonly parts: number;
  /** Deaths of a worker while an ordinal ran alone. */
  readonly deaths?: Readonly<Record<string, number>>;
  /** True while items of other pages are in hand beside one that should be alone: a death then explains nothing. */
  readonly crowded?: boolean;
  /** True when the page was handed back on purpose: nothing in hand is suspected. */
  readonly calm?: boolean;
}

export interface ScanPageInput extends JobContext {
  /** The rows of the page replace others. */
  readonly retry?: true;
  /** On-access jobs: what was judged is remembered, and the scanner keeps a share for it. */
  readonly live?: true;
  readonly page: string;
  readonly index: ObjectRef;
  readonly checkpoint?: Checkpoint;
  /** What this page may use of the job's limits; absent: everything. */
  readonly share?: Share;
}
export type ScanPageResult =
  | { readonly end: 'closed'; readonly result: PageResult; readonly worker?: string }
  | {
      readonly end: 'open';
      readonly checkpoint: Checkpoint;
      readonly why: 'turn' | 'cancelled';
      readonly worker?: string;
    }
  /** Handed back because nothing goes on: the scanner's gate is closed, or the storage refuses us. */
  | {
      readonly end: 'blocked';
      readonly checkpoint: Checkpoint;
      readonly code: string;
      readonly detail: string;
      readonly worker?: string;
    };

export interface SealPageInput {
  readonly job: string;
  /** The rows of the page replace others. */
  readonly retry?: true;
  readonly page: string;
  readonly index: ObjectRef;
  readonly checkpoint?: Checkpoint;
}

export interface PlanActionsInput extends JobContext {
  readonly page: PageResult;
}
export interface PlannedActions {
  /** Findings that an action is meant for. */
  readonly count: number;
  /** What is to be done, or in a dry run would be. */
  readonly intents?: ObjectRef;
  /** Written in a dry run: rows with state `planned`. Nothing is carried out then. */
  readonly rows?: ActionResult;
}

export interface GatherActionsInput extends JobContext {
  readonly order: Order;
  /** Of a decision: which intents of the job that the order names. */
  readonly picks?: readonly { readonly intents: ObjectRef; readonly picks: readonly Span[] }[];
  /** Of a plan or a restore: only these items. */
  readonly items?: readonly string[];
}
export interface GatheredActions {
  /** Intents in the job's own ledger, to be carried out. */
  readonly batches: readonly { readonly intents: ObjectRef; readonly count: number }[];
  /** Rows of what was rejected. */
  readonly rows: readonly ActionResult[];
}

export interface AskActionsInput extends JobContext {
  readonly site?: string;
  readonly intents: ObjectRef;
  readonly from: number;
  readonly to: number;
}
export interface AskedActions {
  /** So many of the intents, from the first, may be carried out. */
  readonly granted: number;
  /** Rows of the others: they wait for approval, or were refused because the list of what waits is full. */
  readonly held?: ActionResult;
  /** How many of those rows are refusals. */
  readonly dropped: number;
}

export interface ApplyActionsInput extends JobContext {
  readonly intents: ObjectRef;
  /** The intents from `from` (0-based) to before `to` are this activity's. */
  readonly from: number;
  readonly to: number;
  /** Number of the page (lane 1) for items that must be scanned again. */
  readonly rescanPage: number;
  /** Apply jobs: by whose word. They list nothing again. */
  readonly order?: Order;
}
export interface AppliedActions {
  readonly result: ActionResult;
  /** Actions that leave a malicious item where it was, and that no rescan explains. */
  readonly unresolved: number;
  readonly rescan?: { readonly index: ObjectRef; readonly items: number; readonly bytes: number };
}

/** What stands in the way, for a job that is held or may have to be. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly code?: string;
  readonly detail?: string;
  /** Who tried: one worker's trouble is not the job's. */
  readonly worker?: string;
}

export interface CheckSourceInput {
  readonly source: Source;
  readonly action: ItemAction;
  /** Where a scan would move items to. */
  readonly quarantine?: string;
}

export interface PreviewSourceInput {
  readonly source: Source;
  readonly settings: ListSettings;
  /** Most items, and most entries left out, that are shown. */
  readonly limit: number;
  /** Bytes that the scanner takes at most, where that is known. */
  readonly scannerMax?: number;
}

export interface ListAssetsInput {
  readonly source: Source;
  readonly limit: number;
  /** The answer that this one goes on from. */
  readonly after?: ObjectRef;
}

export interface EstimateTurnInput {
  readonly source: Source;
  readonly settings: ListSettings;
  readonly scannerMax?: number;
  /** The answer that holds the position this turn goes on from; absent at the beginning. */
  readonly after?: ObjectRef;
  /** Milliseconds that the turn lasts, and one batch more. */
  readonly forMs: number;
}
export interface EstimatedTurn {
  readonly counts: EstimateCounts;
  readonly done: boolean;
  /** Where the next turn goes on. */
  readonly next?: ObjectRef;
}

/** Activities of the task queue `dsx.plan`: short ones that touch the storage, or ask the scanner whether it answers. */
export interface PlanActivities {
  openJob(input: JobContext): Promise<OpenedJob>;
  planPages(input: PlanPagesInput): Promise<PlannedTurn>;
  probe(input: JobContext): Promise<ProbeResult>;
  checkSource(input: CheckSourceInput): Promise<CheckReport>;
  /** The reference of an answer in the ledger, which names items: history does not. */
  previewSource(input: PreviewSourceInput): Promise<ObjectRef>;
  /** As of `previewSource`. */
  listAssets(input: ListAssetsInput): Promise<ObjectRef>;
  estimateTurn(input: EstimateTurnInput): Promise<EstimatedTurn>;
  /** Asks a remote connector to list everything and to push it. False: nobody knows whether it began. */
  askRemote(input: JobContext): Promise<boolean>;
}

/** Lines (0-based) of an intake page, in order, and those of them that are not to be scanned. */
export interface EventLines {
  readonly ref: IntakeRef;
  readonly lines: readonly number[];
  readonly duplicate?: readonly number[];
  readonly superseded?: readonly number[];
}
export interface PlanEventsInput extends JobContext {
  readonly shard: number;
  /** Number of the page to write. */
  readonly page: number;
  readonly events: readonly EventLines[];
  /** The job lists nothing behind this turn. */
  readonly last: boolean;
}

export interface ReadMarksInput {
  readonly source: string;
  readonly shard: number;
  readonly refs: readonly IntakeRef[];
}
/** What the workflow must know of the lines of intake pages, page by page; null for a page that is gone or damaged. */
export type ReadMarks = readonly (readonly EventMark[] | null)[];

/** Activities of the task queue `dsx.on-access`, beside pages. */
export interface EventActivities {
  /** One turn, one page at most. */
  planEvents(input: PlanEventsInput): Promise<PlannedTurn>;
}

/** Activities of the task queues `dsx.scan` and `dsx.on-access`: pages, which keep a slot for up to a minute. */
export interface PageActivities {
  scanPage(input: ScanPageInput): Promise<ScanPageResult>;
}

/** Activities of the task queue `dsx.actions`. */
export interface ActionActivities {
  applyActions(input: ApplyActionsInput): Promise<AppliedActions>;
}

export interface NextHoursInput {
  readonly hours: Hours;
  /** Unix time in milliseconds, by Temporal's clock: the clocks of workers are not asked. */
  readonly now: number;
}
export interface NextHours {
  readonly open: boolean;
  /** When that changes, Unix time in milliseconds. Absent when it never does, or nobody knows. */
  readonly until?: number;
  /** Set when this worker can't tell: hours are then taken for closed. */
  readonly problem?: string;
}

/** Light activities of `dsx.orchestrate`: ledger and status only. */
export interface OrchestratorActivities extends ScheduleActivities {
  openRetry(input: OpenRetryInput): Promise<OpenedRetry>;
  beginJob(input: BeginJobInput): Promise<BegunJob>;
  noteJoin(input: NoteJoinInput): Promise<BoundKey>;
  commitPages(body: CommitBody): Promise<ObjectRef>;
  sealPage(input: SealPageInput): Promise<PageResult>;
  planActions(input: PlanActionsInput): Promise<PlannedActions>;
  gatherActions(input: GatherActionsInput): Promise<GatheredActions>;
  askActions(input: AskActionsInput): Promise<AskedActions>;
  publishStatus(progress: JobProgress): Promise<void>;
  nextHours(input: NextHoursInput): Promise<NextHours>;
  readMarks(input: ReadMarksInput): Promise<ReadMarks>;
  deliverResults(input: DeliverResultsInput): Promise<DeliveredResults>;
}

export interface DeliverResultsInput {
  readonly sink: string;
}
/** How far a sink has come after a turn. */
export interface DeliveredResults {
  readonly sent: number;
  readonly behind: number;
  readonly failure?: { readonly code: string; readonly text: string };
  readonly stopped?: string;
  /** This worker's configuration has no such sink: nobody wants its results any more. */
  readonly unknown?: true;
}

/** Types of the failures that activities end with, besides the codes of the rooms below (`ApplicationFailure.type`). */
export const FAILURE = {
  /** Nothing will go on until somebody mends it: details `[{ code, detail, worker }]`. Never retried by Temporal. */
  hold: 'hold',
} as const;
export type * from './connector-types.ts';
export type * from './watch-types.ts';
export type { ActionCounts };
