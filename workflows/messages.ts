import type { Priority } from '@temporalio/common';
import type { JobKind, JobProgress, ScanSettings, Source } from '../domain/job.ts';
import type { ObjectRef } from '../ledger/types.ts';

/** Workflow types, messages and task queues, by name: what the API, the workers and the workflows agree on. */
export const WORKFLOW = {
  fullScan: 'fullScan',
  requestedScan: 'requestedScan',
  checkConnector: 'checkConnector',
  checkFairness: 'checkFairness',
} as const;
export const UPDATE = { start: 'start', pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
/**
 * The same verbs as signals, so that the Temporal UI and CLI can steer too. Their one argument may be left out. `version` is
 * sent by workers that start under another version, to runs of the one before.
 */
export const SIGNAL = { pause: 'pause', resume: 'resume', cancel: 'cancel', version: 'version' } as const;
export const QUERY = { progress: 'progress' } as const;

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
  /** Pages dispatched at once, whether a worker has begun them or they wait for one; default 16. */
  readonly window?: number;
  /** Share of the workers' slots beside other jobs, 0.1 to 100; default 1. */
  readonly weight?: number;
  /** Requested scans: the intake page that names the items, as the API wrote it. */
  readonly intake?: ObjectRef;
}

/** Temporal's levels, 1 first: what people wait for goes ahead of a full scan wherever both wait for one worker. */
const LEVEL = { requested: 2, full: 3 } as const;

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
} as const;

/** The workflow id under which a source is scanned: one full scan of a source at a time. */
export function fullScanWorkflowId(source: Source): string {
  return source.kind === 'connector' ? `full-scan:${source.id}` : source.id;
}

export function requestedScanWorkflowId(job: string): string {
  return `requested-scan:${job}`;
}
