import type { JobProgress, LiveFigures } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';

/** The Redis projection: quick answers, never the truth. Every method may fail with StatusUnavailable; nobody may depend on it. */
export interface StatusStore {
  /** Writes a job's progress unless a newer revision is there. Returns false when it was older (nothing changed). */
  publishJob(progress: JobProgress): Promise<boolean>;
  /** Live figures of one worker's open pages of a job; they vanish after `ttlMs`. */
  publishLive(job: string, worker: string, figures: LiveFigures, ttlMs: number): Promise<void>;
  /** Appends findings to the job's stream (bounded to the last 10,000). */
  publishFindings(job: string, rows: readonly OutcomeRow[]): Promise<void>;
  job(job: string): Promise<{ progress: JobProgress; live: LiveFigures | undefined } | undefined>;
  /** Newest first; `after` is the last job id of the page before. */
  jobs(limit: number, after?: string): Promise<readonly JobProgress[]>;
  /** Findings behind `after` (an opaque id), oldest first. */
  findings(job: string, after: string | undefined, limit: number): Promise<readonly { id: string; row: OutcomeRow }[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
