import type { CheckReport } from '../connectors/connector.ts';
import type { ItemAction } from '../domain/action.ts';
import { CodedError } from '../domain/errors.ts';
import type { JobKind, JobProgress, Source } from '../domain/job.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  fullScanWorkflowId,
  requestedScanWorkflowId,
  type StartAnswer,
  type StartRequest,
} from '../workflows/messages.ts';

/**
 * Why Temporal or the workflows did not do what the API asked.
 * - `temporal_unreachable`: the server can't be reached or refuses us
 * - `no_worker`: nobody answered before the deadline; whether it was done is not known
 * - `scan_running`: a scan with other settings runs (`job` names it)
 * - `job_ended`, `job_cancelling`: the job can't be steered (any more)
 * - `not_found`: no such workflow
 * - `check_failed`: the check of a connector could not be carried out
 * - `rejected`: the workflow refused or failed the request for another reason
 */
export type ControlCode =
  | 'temporal_unreachable'
  | 'no_worker'
  | 'scan_running'
  | 'job_ended'
  | 'job_cancelling'
  | 'not_found'
  | 'check_failed'
  | 'rejected';

export class ControlError extends CodedError<ControlCode> {
  readonly job: string | undefined;

  constructor(code: ControlCode, message: string, options: { cause?: unknown; job?: string } = {}) {
    super(code, message, options);
    this.job = options.job;
  }
}

export type ControlVerb = 'pause' | 'resume' | 'cancel';

/** A task queue as the server sees it. `age`: milliseconds since a worker last asked it for work; undefined: none did lately. */
export interface QueueState {
  readonly queue: string;
  readonly age: number | undefined;
}

/** All that the API asks of Temporal. Every method throws ControlError and keeps the deadline it names. */
export interface JobControl {
  /** Starts a full scan, or joins the one that runs with equal settings. Deadline 10 s. */
  start(request: StartRequest): Promise<StartAnswer>;
  /** Starts a scan of named items. Deadline 10 s. */
  startRequested(request: StartRequest): Promise<void>;
  /** Waits for a scan of named items, at most `ms`; true when it has ended. Ends early, with false, when the signal fires. */
  untilEnded(job: string, ms: number, signal: AbortSignal): Promise<boolean>;
  /** Deadline 10 s. */
  steer(workflowId: string, verb: ControlVerb, request: ControlRequest): Promise<ControlAnswer>;
  /** What the workflow says of itself: it need not be the job that was meant. Deadline 3 s. */
  progress(workflowId: string): Promise<JobProgress>;
  /** The workflow of a job, by visibility (which lags by a second or so). Deadline 3 s. */
  find(job: string): Promise<string | undefined>;
  /** Runs a connector's check at its site. Deadline 30 s. */
  check(request: CheckRequest): Promise<CheckReport>;
  /** Whether the server honours fairness keys; known once it was found out. Deadline 10 s. */
  fair(): Promise<boolean>;
  /** Reaches the server, and tells who asks these task queues for work. Deadline 3 s. */
  queues(names: readonly string[]): Promise<readonly QueueState[]>;
}

export interface CheckRequest {
  readonly source: Source;
  readonly action: ItemAction;
  readonly site?: string;
}

/** How long the API waits for Temporal and its workers, in milliseconds. */
export const DEADLINE_MS = { steer: 10_000, query: 3_000, check: 30_000 };

export function workflowIdOf(job: { readonly job: string; readonly kind: JobKind; readonly source: Source }): string {
  return job.kind === 'requested' ? requestedScanWorkflowId(job.job) : fullScanWorkflowId(job.source);
}
