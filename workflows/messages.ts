import type { Order, Span, Verdict, Waiting } from '../domain/approval.ts';
import type { JobKind, JobProgress, ScanSettings, Source } from '../domain/job.ts';
import type { ObjectRef } from '../ledger/types.ts';

/** Workflow types, messages and task queues, by name: what the API, the workers and the workflows agree on. */
export const WORKFLOW = {
  fullScan: 'fullScan',
  requestedScan: 'requestedScan',
  checkConnector: 'checkConnector',
  applyActions: 'applyActions',
  actionGate: 'actionGate',
} as const;
export const UPDATE = { start: 'start', pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
/** The same verbs as signals, so that the Temporal UI and CLI can steer too. Their one argument may be left out. */
export const SIGNAL = { pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
export const QUERY = { progress: 'progress' } as const;

/** Task queues, by purpose. A connector with a site has its work on `<queue>.<site>` (the workflows' queue excepted). */
export const QUEUE = {
  orchestrate: 'dsx.orchestrate',
  scan: 'dsx.scan',
  onAccess: 'dsx.on-access',
  actions: 'dsx.actions',
} as const;

export function siteQueue(queue: string, site: string | undefined): string {
  return site === undefined ? queue : `${queue}.${site}`;
}

/** Search attributes, all of type KEYWORD, registered by the worker at start. */
export const SEARCH_ATTRIBUTE = { job: 'DsxJob', connector: 'DsxConnector', state: 'DsxState' } as const;

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
  /** Pages in flight at once; default 4. */
  readonly window?: number;
  /** Requested scans: the intake page that names the items, as the API wrote it. */
  readonly intake?: ObjectRef;
  /** Apply jobs: what they carry out. */
  readonly order?: Order;
  /** Apply jobs: which intents of the job that the order names. Absent: those of its plan. */
  readonly picks?: readonly IntentPicks[];
  /** Apply jobs on a plan: only the findings of these items (`page:ordinal`). Absent: all. */
  readonly items?: readonly string[];
}

/** The answer of `start`: the running job, and whether another request had started it. Refused: `scan_running`. */
export interface StartAnswer {
  readonly job: string;
  readonly joined: boolean;
}

/** The argument of `pause`, `resume` and `cancel`. */
export interface ControlRequest {
  /** The job meant; another one is refused as `job_ended`. A signal from the Temporal UI may leave it out. */
  readonly job: string;
  readonly actor: string;
  readonly reason?: string;
}

/** The answer of a control update: the job as it is now. */
export type ControlAnswer = Pick<JobProgress, 'job' | 'state' | 'idle' | 'revision'>;

/** Types of the failures that updates are refused with (`ApplicationFailure.type`). */
export const REFUSAL = {
  /** Another scan of this connector runs, with other settings. Details: `[{ job }]`. */
  scanRunning: 'scan_running',
  /** The job named is not the one that runs here: it has ended. */
  jobEnded: 'job_ended',
  /** The job is being cancelled; it can't be paused or resumed. */
  cancelling: 'job_cancelling',
  /** A decision about a list of waiting findings that is not the one that was shown. */
  listChanged: 'list_changed',
  /** A decision about findings that do not wait. */
  notWaiting: 'not_waiting',
} as const;

/** The workflow id under which a source is scanned: one full scan of a source at a time. */
export function fullScanWorkflowId(source: Source): string {
  return source.kind === 'connector' ? `full-scan:${source.id}` : source.id;
}

export function requestedScanWorkflowId(job: string): string {
  return `requested-scan:${job}`;
}

/** Under the job's own name when a decision ordered it; one at a time for the plan of a job. */
export function applyWorkflowId(job: string, order: Order): string {
  return order.why === 'planned' ? `apply:${order.job}` : `apply:${job}`;
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
