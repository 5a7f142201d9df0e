import type { RunningScan } from '../activities/rebuild-status/running-jobs.ts';
import { CodedError } from '../domain/errors.ts';
import type { JobProgress } from '../domain/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RebuildSources } from '../status/rebuild.ts';
import type { ControlAnswer, ControlRequest, LimitsRequest, StartAnswer, StartRequest } from '../workflows/messages.ts';
import type { ConnectorCalls } from './connector-control.ts';
import type { GateCalls } from './gate-control.ts';
import type { RemoteCalls } from './old/remote-control.ts';
import type { ScheduleCalls } from './schedule-control.ts';
import type { StorageCalls } from './storage-control.ts';
import type { WatchCalls } from './watch-control.ts';

/**
 * Why Temporal or the workflows did not do what the API asked.
 * - `temporal_unreachable`: the server can't be reached or refuses us
 * - `payloads_unreadable`: what Temporal keeps is encrypted with a key that this process does not have
 * - `no_worker`: nobody answered before the deadline; whether it was done is not known
 * - `scan_running`: a scan with other settings runs (`job` names it)
 * - `job_ended`, `job_cancelling`: the job can't be steered (any more)
 * - `limits_invalid`: the limits can't be
 * - `idempotency_mismatch`: the idempotency key was used for something else (`job`)
 * - `sweeps_off`: the watch of the connector has no sweeps
 * - `list_changed`, `not_waiting`: a decision about findings that are not what was shown, or do not wait
 * - `not_found`: no such workflow
 * - `check_failed`: what was asked of a connector's storage could not be carried out
 * - `rejected`: the workflow refused or failed the request for another reason
 */
export type ControlCode =
  | 'temporal_unreachable'
  | 'payloads_unreadable'
  | 'no_worker'
  | 'scan_running'
  | 'job_ended'
  | 'job_cancelling'
  | 'limits_invalid'
  | 'idempotency_mismatch'
  | 'list_changed'
  | 'not_waiting'
  | 'sweeps_off'
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

export type { CheckRequest } from './storage-control.ts';
export type { RunningScan };

/** All that the API asks of Temporal. Every method throws ControlError and keeps the deadline it names. */
export interface JobControl extends ConnectorCalls, GateCalls, StorageCalls, WatchCalls, RemoteCalls {
  readonly schedules: ScheduleCalls;
  /**
   * Starts a full scan, a retry or an apply job, or joins the one that runs with equal settings (and selection); with an
   * idempotency key any scan. Deadline 10 s.
   */
  start(request: StartRequest): Promise<StartAnswer>;
  /** Starts a scan of named items. Deadline 10 s. */
  startRequested(request: StartRequest): Promise<void>;
  /** Waits for a scan of named items, at most `ms`; true when it has ended. Ends early, with false, when the signal fires. */
  untilEnded(job: string, ms: number, signal: AbortSignal): Promise<boolean>;
  /** Deadline 10 s. */
  steer(workflowId: string, verb: ControlVerb, request: ControlRequest): Promise<ControlAnswer>;
  /** Deadline 10 s. */
  setLimits(workflowId: string, request: LimitsRequest): Promise<ControlAnswer>;
  /** What the workflow says of itself: it need not be the job that was meant. Deadline 3 s. */
  progress(workflowId: string): Promise<JobProgress>;
  /** The workflow of a job, by visibility (which lags by a second or so). Deadline 3 s. */
  find(job: string): Promise<string | undefined>;
  /** The scans that run, newest first, by visibility. Deadline 3 s. */
  scans(): Promise<readonly RunningScan[]>;
  /** What the status is rebuilt from. Its methods throw ControlError, LedgerError. */
  sources(ledger: Ledger): RebuildSources;
  /** Whether the server honours fairness keys; known once it was found out. Deadline 10 s. */
  fair(): Promise<boolean>;
  /** Reaches the server, and tells who asks these task queues for work. Deadline 3 s. */
  queues(names: readonly string[]): Promise<readonly QueueState[]>;
}

/** How long the API waits for Temporal and its workers, in milliseconds. */
export const DEADLINE_MS = { steer: 10_000, query: 3_000, check: 30_000 };

export { workflowIdOf } from '../activities/start-scan.ts';
