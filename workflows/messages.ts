import type { Priority } from '@temporalio/common';
import type { Order, Span, Verdict, Waiting } from '../domain/approval.ts';
import type { Estimate } from '../domain/estimate.ts';
import type { FinalState, JobKind, JobProgress, ScanSettings, Source } from '../domain/job.ts';
import type { Limits, LimitsChange } from '../domain/limits.ts';
import type { ListSettings } from '../domain/preview.ts';
import type { RetryTarget } from '../domain/retry.ts';
import type { ObjectRef } from '../ledger/types.ts';
import type { PushedListing } from './remote-messages.ts';

/** Workflow types, messages and task queues, by name: what the API, the workers and the workflows agree on. */
export const WORKFLOW = {
  fullScan: 'fullScan',
  requestedScan: 'requestedScan',
  retryScan: 'retryScan',
  checkConnector: 'checkConnector',
  previewConnector: 'previewConnector',
  connectorAssets: 'connectorAssets',
  estimateConnector: 'estimateConnector',
  applyActions: 'applyActions',
  scheduledScan: 'scheduledScan',
  actionGate: 'actionGate',
  checkFairness: 'checkFairness',
  itemLock: 'itemLock',
  onAccess: 'onAccess',
  remoteScan: 'remoteScan',
  resultsOut: 'resultsOut',
  connector: 'connector',
  connectorWatch: 'connectorWatch',
  reconcileSweep: 'reconcileSweep',
} as const;
export const UPDATE = {
  start: 'start',
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  setLimits: 'setLimits',
} as const;
/**
 * The same verbs as signals, so that the Temporal UI and CLI can steer too. Their one argument may be left out. `version` is
 * sent by workers that start under another version, to runs of the one before; `ended` by a scan to the workflows that wait for its
 * end (`StartRequest.waiter`).
 */
export const SIGNAL = {
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  version: 'version',
  ended: 'ended',
} as const;
/** Types of the workflows that scan, all of which answer the queries below. */
export const SCAN_WORKFLOWS: readonly string[] = [
  WORKFLOW.fullScan,
  WORKFLOW.requestedScan,
  WORKFLOW.retryScan,
  WORKFLOW.applyActions,
  WORKFLOW.onAccess,
  WORKFLOW.remoteScan,
];
/** `uncommitted`: references of the segments with findings that no commit names yet. */
export const QUERY = { progress: 'progress', uncommitted: 'uncommitted' } as const;

/**
 * Task queues, by purpose. A connector with a site has its work on `<queue>.<site>` (the workflows' queue excepted).
 * `plan` has what is short and touches the storage (planning turns, first looks, probes, checks): it never waits behind pages.
 */
export const QUEUE = {
  orchestrate: 'dsx.orchestrate',
  plan: 'dsx.plan',
  scan: 'dsx.scan',
  onAccess: 'dsx.on-access',
  actions: 'dsx.actions',
  /** Has what keeps a slot for as long as a connector is watched. */
  watch: 'dsx.watch',
} as const;

export function siteQueue(queue: string, site: string | undefined): string {
  return site === undefined ? queue : `${queue}.${site}`;
}

/** Search attributes, all of type KEYWORD, registered by the worker at start. */
export const SEARCH_ATTRIBUTE = {
  job: 'DsxJob',
  connector: 'DsxConnector',
  state: 'DsxState',
  schedule: 'DsxSchedule',
} as const;

/** The one argument of a scan workflow and of its `start` update. */
export interface StartRequest {
  /** The id this scan will have, if it is this request that starts it. */
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  readonly settings: ScanSettings;
  readonly site?: string;
  /** Who asked, as the API knows them. */
  readonly actor: string;
  /** Pages dispatched at once, whether a worker has begun them or they wait for one; default 16. */
  readonly window?: number;
  /** What bounds the scan from its begin on. Limits are no settings: a start that joins changes none. */
  readonly limits?: Limits;
  /** Share of the workers' slots beside other jobs, 0.1 to 100; default 1. */
  readonly weight?: number;
  /** Requested scans: the intake page that names the items, as the API wrote it. */
  readonly intake?: ObjectRef;
  /** Of a start with an idempotency key, from which `job` is made: SHA-256 (hex) of what was asked for. */
  readonly bodyHash?: string;
  /** Its remote connector lists by itself, and pushes what it lists. */
  readonly pushed?: PushedListing;
  /** On-access jobs: which part of the source's events. */
  readonly shard?: number;
  /** Retries: what is retried. Equal ones join. */
  readonly retry?: RetryTarget;
  /** Id of the workflow that is told (`ended`) when the scan that this starts or joins has ended. */
  readonly waiter?: string;
  /** Apply jobs: what they carry out. */
  readonly order?: Order;
  /** Apply jobs: which intents of the job that the order names. Absent: those of its plan. */
  readonly picks?: readonly IntentPicks[];
  /** Apply jobs on a plan, and restores: only the findings of these items (`page:ordinal`). Absent: all. */
  readonly items?: readonly string[];
}

/** Temporal's levels, 1 first: what people wait for goes ahead of a full scan wherever both wait for one worker. */
const LEVEL = { 'on-access': 1, requested: 2, apply: 2, full: 3, retry: 3 } as const;

/** How a job's work is ordered beside that of others: by level, then jobs in turn, by weight. */
export function priorityOf(request: Pick<StartRequest, 'job' | 'kind' | 'weight'>): Priority {
  const { job, kind, weight } = request;
  return { priorityKey: LEVEL[kind], fairnessKey: job, fairnessWeight: weight ?? 1 };
}

/** Messages of `checkFairness`: an update that answers when its tasks are queued, and a signal that ends it. */
export const FAIRNESS_CHECK = { queued: 'queued', done: 'done' } as const;
export interface FairnessCheckRequest {
  /** A queue that no worker serves. */
  readonly queue: string;
  readonly keys: readonly string[];
  /** So many of each key, one key after the other. */
  readonly tasks: number;
}

/**
 * The answer of `start`: the job, and whether it is another's that was joined. Refused: `scan_running`, `job_cancelling`; with an
 * idempotency key also `idempotency_mismatch`.
 */
export interface StartAnswer {
  readonly job: string;
  readonly joined: boolean;
  /** The same key had been used before: nothing was started. */
  readonly repeated?: true;
}

/** The argument of `pause`, `resume` and `cancel`. */
export interface ControlRequest {
  /** The job meant; another one is refused as `job_ended`. A signal from the Temporal UI may leave it out. */
  readonly job: string;
  readonly actor: string;
  readonly reason?: string;
}

/** The argument of `setLimits`: what is absent stays, `null` takes a limit away. */
export interface LimitsRequest extends ControlRequest {
  readonly limits: LimitsChange;
}

/** The answer of a control update: the job as it is now. */
export type ControlAnswer = Pick<JobProgress, 'job' | 'state' | 'idle' | 'limits' | 'revision'> & {
  /** The answer of `cancel`: what was done till then. Nothing more is scanned; the account comes with the end. */
  readonly done?: Done;
};
export type Done = Pick<JobProgress, 'listed' | 'listingDone' | 'counters' | 'actions'>;

/** The argument of the signal `ended`. */
export interface ScanEnded {
  readonly job: string;
  readonly state: FinalState;
}

/** Temporal puts the time of the run behind the workflow id of a schedule's runs. */
export function scheduleRunId(schedule: string): string {
  return `scheduled-scan:${schedule}`;
}

/** Under this name the memo of a schedule's run has its `RunNote`. */
export const RUN_MEMO = 'run';

/** What a preview is asked of. */
export interface PreviewRequest {
  readonly source: Source;
  readonly settings: ListSettings;
  readonly limit: number;
  readonly scannerMax?: number;
  readonly site?: string;
}

/** One page of a connector's assets; `after` is the answer with the page before. */
export interface AssetsRequest {
  readonly source: Source;
  readonly limit: number;
  readonly after?: ObjectRef;
  readonly site?: string;
}

/** What an estimate counts, and for how many seconds at most. */
export interface EstimateRequest {
  readonly source: Source;
  readonly settings: ListSettings;
  readonly maxSeconds: number;
  readonly scannerMax?: number;
  readonly site?: string;
}

/** Messages of an estimate: the query tells how far it is, the update stops it and answers with what was counted. */
export const ESTIMATE = { view: 'view', stop: 'stop' } as const;

/** The answer of the query `view` and the update `stop`. */
export interface EstimateView {
  readonly source: Source;
  readonly estimate: Estimate;
}

export function estimateWorkflowId(estimate: string): string {
  return `estimate:${estimate}`;
}

/** Types of the failures that updates are refused with (`ApplicationFailure.type`). */
export const REFUSAL = {
  /** Another scan of this connector runs, with other settings. Details: `[{ job }]`. */
  scanRunning: 'scan_running',
  /** The job named is not the one that runs here: it has ended. */
  jobEnded: 'job_ended',
  /** The job is being cancelled; it can't be paused or resumed. */
  cancelling: 'job_cancelling',
  /** The limits can't be: out of range, or hours that are no hours. */
  limitsInvalid: 'limits_invalid',
  /** This idempotency key was used for something else. */
  idempotencyMismatch: 'idempotency_mismatch',
  /** The run ends at once: the job that it was to be has been begun before, and has no account. */
  begunBefore: 'begun_before',
  /** A decision about a list of waiting findings that is not the one that was shown. */
  listChanged: 'list_changed',
  /** A decision about findings that do not wait. */
  notWaiting: 'not_waiting',
  /** The connector has no sweeps: `reconcile` is off, or no scanner could judge. */
  sweepsOff: 'sweeps_off',
} as const;

/** The workflow id under which a source is scanned: one full scan of a source at a time. */
export function fullScanWorkflowId(source: Source): string {
  return source.kind === 'connector' ? `full-scan:${source.id}` : source.id;
}

/** One retry of a first job at a time, whichever job of its chain was named: each builds on those before it. */
export function retryWorkflowId(first: string): string {
  return `retry:${first}`;
}

export function requestedScanWorkflowId(job: string): string {
  return `requested-scan:${job}`;
}

/** Under the job's own name when a decision or a restore ordered it; one at a time for the plan of a job. */
export function applyWorkflowId(job: string, order: Order): string {
  if (order.why === 'restore') return `restore:${job}`;
  return order.why === 'planned' ? `apply:${order.job}` : `apply:${job}`;
}

/** The lock of one item, by the hash of source and location; the signal that releases it; and how long one lasts that nobody releases. */
export const ITEM_LOCK = { release: 'release', longest: '1h' } as const;

export function itemLockId(hash: string): string {
  return `item:${hash}`;
}

/** Sends results to one sink. The query tells how far it is. */
export const RESULTS_OUT = { view: 'view' } as const;

export function resultsOutWorkflowId(sink: string): string {
  return `results-out:${sink}`;
}

/** The answer of the query `view`. */
export interface ResultsOutView {
  readonly sink: string;
  /** Messages sent since the sink is there. */
  readonly sent: number;
  /** Commits of jobs that were not sent whole. */
  readonly behind: number;
  /** What is in the way, and since when (ISO 8601). */
  readonly failure?: { readonly code: string; readonly text: string; readonly since: string };
  /** The receiver asked for no more, then (ISO 8601). */
  readonly stopped?: string;
}

/** Messages of the workflow that counts the item actions of a source, and keeps those that wait for approval. */
export const GATE = { ask: 'ask', decide: 'decide', view: 'view' } as const;

export function gateWorkflowId(sourceId: string): string {
  return `${GATE_PREFIX}${sourceId}`;
}
export const GATE_PREFIX = 'actions:';

/** Stretches of one object of intents, each from its first index (0-based) to its last. */
export interface IntentPicks {
  readonly intents: ObjectRef;
  readonly picks: readonly Span[];
}

/** `ask`: may these intents be carried out? The same range of the same job is answered once, whoever repeats it. */
export interface AskRequest {
  readonly source: Source;
  readonly site?: string;
  readonly job: string;
  /** Effective settings of the job, with `maxActions`. */
  readonly settings: ScanSettings;
  readonly intents: ObjectRef;
  readonly from: number;
  readonly to: number;
}

/** The first `granted` intents may be carried out, the next `waiting` wait for approval; for the rest the list is full. */
export interface AskAnswer {
  readonly granted: number;
  readonly waiting: number;
}

/** `decide`: about the findings up to `through` as they were shown, or those of them that `only` names. */
export interface DecideRequest {
  readonly verdict: Verdict;
  readonly through: number;
  readonly list: string;
  readonly only?: readonly Span[];
  readonly actor: string;
  readonly reason?: string;
  /** Id of the apply job that carries the decision out. With findings of several jobs, further ones get a number behind it. */
  readonly job: string;
}

/** A decision as it is kept: who, when, which, and the jobs that carry it out. */
export interface Decision {
  readonly verdict: Verdict;
  readonly by: string;
  readonly at: string;
  readonly reason?: string;
  readonly through: number;
  readonly list: string;
  /** Sequence numbers. */
  readonly findings: readonly Span[];
  readonly count: number;
  readonly jobs: readonly { readonly job: string; readonly of: string; readonly findings: number }[];
}

/** The answer of `decide`. */
export interface DecideAnswer {
  readonly decision: Decision;
  /** Findings that still wait. */
  readonly waiting: number;
}

/** The answer of the query `view`. */
export interface GateView {
  readonly source: Source;
  readonly waiting: readonly Waiting[];
  /** Newest last. */
  readonly decided: readonly Decision[];
  /** Actions that were permitted: how many at which moment (milliseconds since 1970). Old ones may be left out. */
  readonly permits: readonly { readonly at: number; readonly count: number }[];
}

export * from './connector-messages.ts';
export * from './event-messages.ts';
export * from './remote-messages.ts';
export * from './watch-messages.ts';
