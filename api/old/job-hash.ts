import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import { addCounters, rowsOf } from '../../domain/outcome.ts';
import type { JobResource } from '../contract.ts';
import { connectorUuid } from './identity.ts';

/** A job as the former product kept it: a hash whose values are all strings. */
export const jobHash = z.record(z.string(), z.string());
export type JobHash = z.output<typeof jobHash>;

/** Figures of a job that the old answers are made of. Times are seconds since the epoch. */
export interface JobFigures {
  readonly status: 'running' | 'paused' | 'cancelled' | 'completed' | 'failed';
  readonly listed: number;
  readonly processed: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly duration: number;
  readonly eta: number | undefined;
  readonly bytes: number;
}

/** @param now milliseconds since the epoch */
export function figuresOf(job: JobResource, now: number = Date.now()): JobFigures {
  const counters = job.live === undefined ? job.counters : addCounters(job.counters, job.live.counters);
  const { outcomes } = counters;
  const processed = rowsOf(counters);
  const ended = isFinal(job.state);
  const listed = Math.max(job.listed, processed);
  const startedAt = seconds(job.startedAt);
  const endedAt = job.endedAt === undefined ? undefined : seconds(job.endedAt);
  const duration = Math.max(0, (endedAt ?? Math.floor(now / 1000)) - startedAt);
  const running = !ended && processed > 0 && processed < listed && duration > 0;
  return {
    status: STATUS[job.state],
    listed,
    processed,
    succeeded:
      outcomes.clean + outcomes.malicious + outcomes.policy_blocked + outcomes.unscannable + outcomes.inconclusive,
    failed: outcomes.failed,
    cancelled: job.state === 'cancelled' ? listed - processed : 0,
    skipped: outcomes.skipped + outcomes.vanished,
    startedAt,
    endedAt,
    duration,
    eta: running ? Math.floor((listed - processed) / (processed / duration)) : undefined,
    bytes: counters.bytes,
  };
}

/** A job that is being cancelled still runs; one that failed is never told as anything else. */
const STATUS: Readonly<Record<JobResource['state'], JobFigures['status']>> = {
  running: 'running',
  held: 'running',
  paused: 'paused',
  cancelling: 'running',
  completed: 'completed',
  completed_with_gaps: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** `GET scan/jobs/:job`. Absent is what is not known, as it was before the first item had it. */
export function jobHashOf(job: JobResource, now: number = Date.now()): JobHash {
  const figures = figuresOf(job, now);
  const { outcomes } = job.live === undefined ? job.counters : addCounters(job.counters, job.live.counters);
  const { endedAt, startedAt, processed, listed, eta, bytes } = figures;
  const isConnector = job.source.kind === 'connector';
  return texts({
    job_id: job.job,
    status: figures.status,
    started_at: startedAt,
    last_update: endedAt ?? Math.floor(now / 1000),
    job_name: isConnector ? job.source.id : (job.source as { path: string }).path,
    connector_uuid: isConnector ? connectorUuid(job.source.id) : undefined,
    enqueued_count: listed,
    enqueued_total: listed,
    expected_total: listed,
    enqueue_done: job.listingDone || endedAt !== undefined ? 1 : undefined,
    first_scan_started_at: processed > 0 ? startedAt : undefined,
    processed_count: processed,
    terminal_count: processed,
    succeeded_count: figures.succeeded,
    failed_count: figures.failed,
    cancelled_count: figures.cancelled,
    skipped_count: figures.skipped,
    last_terminal_at: processed > 0 ? endedAt : undefined,
    finished_at: endedAt,
    total_bytes: bytes,
    verdict_benign: outcomes.clean,
    verdict_malicious: outcomes.malicious,
    verdict_unknown: outcomes.inconclusive,
    verdict_not_scanned: outcomes.unscannable + outcomes.policy_blocked,
    paused: job.state === 'paused' ? 1 : undefined,
    cancel: job.state === 'cancelling' || job.state === 'cancelled' ? 1 : undefined,
    progress_pct: listed === 0 ? (endedAt === undefined ? 0 : 100) : Math.floor((100 * processed) / listed),
    duration_secs: figures.duration,
    processing_window_secs: processed > 0 ? figures.duration : undefined,
    eta_secs: eta,
    time_remaining: eta === undefined ? undefined : clock(eta),
    avg_bytes_per_file: processed === 0 ? 0 : Math.floor(bytes / processed),
    // New.
    state: job.state,
    kind: job.kind,
    root: job.root,
  });
}

/** What events tell of a job: numbers, not strings. */
export function jobSummary(job: JobResource, now: number = Date.now()): Record<string, unknown> {
  const figures = figuresOf(job, now);
  return {
    job_id: job.job,
    status: figures.status,
    processed_count: figures.processed,
    total: figures.listed,
    enqueued_total: figures.listed,
    enqueued_count: figures.listed,
    succeeded_count: figures.succeeded,
    failed_count: figures.failed,
    cancelled_count: figures.cancelled,
    skipped_count: figures.skipped,
    enqueue_done: job.listingDone || figures.endedAt !== undefined ? '1' : null,
    last_update: figures.endedAt ?? Math.floor(now / 1000),
    duration_secs: figures.duration,
    processing_window_secs: figures.processed > 0 ? figures.duration : null,
    eta_secs: figures.eta ?? null,
    time_remaining: figures.eta === undefined ? null : clock(figures.eta),
    state: job.state,
  };
}

function texts(values: Readonly<Record<string, string | number | undefined>>): JobHash {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

/** `HH:MM:SS`, with days in front where there are any. */
export function clock(total: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const time = [(total / 3600) % 24, (total / 60) % 60, total % 60].map(two).join(':');
  const days = Math.floor(total / 86_400);
  return days === 0 ? time : `${days}d ${time}`;
}
