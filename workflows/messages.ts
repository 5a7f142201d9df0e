import type { JobKind, JobProgress, ScanSettings, Source } from '../domain/job.ts';
import type { ObjectRef } from '../ledger/types.ts';

/** Workflow types, messages and task queues, by name: what the API, the workers and the workflows agree on. */
export const WORKFLOW = {
  fullScan: 'fullScan',
  requestedScan: 'requestedScan',
  checkConnector: 'checkConnector',
} as const;
export const UPDATE = { start: 'start', pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
/** The same verbs as signals, so that the Temporal UI and CLI can steer too. Their one argument may be left out. */
export const SIGNAL = { pause: 'pause', resume: 'resume', cancel: 'cancel' } as const;
/** Types of the workflows that scan, all of which answer the queries below. */
export const SCAN_WORKFLOWS: readonly string[] = [WORKFLOW.fullScan, WORKFLOW.requestedScan];
/** `uncommitted`: references of the segments with findings that no commit names yet. */
export const QUERY = { progress: 'progress', uncommitted: 'uncommitted' } as const;

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
  /** Of a start with an idempotency key, from which `job` is made: SHA-256 (hex) of what was asked for. */
  readonly bodyHash?: string;
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
  /** This idempotency key was used for something else. */
  idempotencyMismatch: 'idempotency_mismatch',
  /** The run ends at once: the job that it was to be has been begun before, and has no account. */
  begunBefore: 'begun_before',
} as const;

/** The workflow id under which a source is scanned: one full scan of a source at a time. */
export function fullScanWorkflowId(source: Source): string {
  return source.kind === 'connector' ? `full-scan:${source.id}` : source.id;
}

export function requestedScanWorkflowId(job: string): string {
  return `requested-scan:${job}`;
}
