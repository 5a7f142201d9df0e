import type { JobProgress, LiveFigures } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';

/** How many findings of a job the status keeps: the last ones. The ledger has them all. */
export const KEPT_FINDINGS = 10_000;
/** How long a job stays in the status after its end, in milliseconds (7 days). The ledger keeps it for good. */
export const RETENTION_MS = 7 * 24 * 3_600_000;

/** The Redis projection: quick answers, never the truth. Every method may fail with StatusUnavailable; nobody may depend on it. */
export interface StatusStore {
  /**
   * Writes a job's progress unless a newer revision is there, or the job has ended and this says otherwise. Returns false when it
   * was older (nothing changed). Repeating a write is harmless.
   */
  publishJob(progress: JobProgress): Promise<boolean>;
  /** Live figures of one worker's open pages of a job; they vanish after `ttlMs`, and when the job ends. */
  publishLive(job: string, worker: string, figures: LiveFigures, ttlMs: number): Promise<void>;
  /** Appends findings to the job's stream (bounded to the last 10,000). A row that is already there is left out. */
  publishFindings(job: string, rows: readonly OutcomeRow[]): Promise<void>;
  job(job: string): Promise<{ progress: JobProgress; live: LiveFigures | undefined } | undefined>;
  /** Newest first (by job id, which begins with its time); `after` is the last job id of the page before. */
  jobs(limit: number, after?: string): Promise<readonly JobProgress[]>;
  /** Findings behind `after` (an opaque id), oldest first. Behind an id that was dropped: the oldest kept. */
  findings(job: string, after: string | undefined, limit: number): Promise<readonly { id: string; row: OutcomeRow }[]>;
  /** Changes exactly when the store has lost its data: what was published before is then to be published again. */
  epoch(): Promise<string>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
