import type { JobProgress, LiveFigures } from '../domain/job.ts';
import type { Started } from '../domain/job-order.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { WatchHealth, WatchLive } from '../domain/watch.ts';
import type { ChangeLog } from './changes.ts';

/** How many findings of a job the status keeps: the last ones. The ledger has them all. */
export const KEPT_FINDINGS = 10_000;
/** How long a job stays in the status after its end, in milliseconds (7 days). The ledger keeps it for good. */
export const RETENTION_MS = 7 * 24 * 3_600_000;

/** How far the status was rebuilt from the workflows and the ledger. */
export interface RebuildNote {
  /** The epoch that it was rebuilt in: of another one nothing is left. */
  readonly epoch: string;
  /** The last job of the ledger that was looked at; undefined before the first. */
  readonly place: Started | undefined;
  /** True once everything was written. */
  readonly done: boolean;
}

/** What the turn of a watch told live is good for this long, in milliseconds. */
export const WATCH_LIVE_MS = 60_000;

/** How connectors are watched. */
export interface WatchStatus {
  /** Writes the health of a watch unless a newer one is there: of a later start, or with a higher revision. Returns false then. */
  publishWatch(health: WatchHealth): Promise<boolean>;
  /** What the turn under way told; it vanishes after WATCH_LIVE_MS. */
  publishWatchLive(connector: string, live: WatchLive): Promise<void>;
  /** The health, live figures included; undefined when nothing is known. */
  watch(connector: string): Promise<WatchHealth | undefined>;
  forgetWatch(connector: string): Promise<void>;
}

/** The Redis projection: quick answers, never the truth. Every method may fail with StatusUnavailable; nobody may depend on it. */
export interface StatusStore extends WatchStatus, ChangeLog {
  /**
   * Writes a job's progress unless a newer one is there: the end of a job is newer than anything else, and otherwise the higher revision is.
   * Returns false when it was older (nothing changed). Repeating a write is harmless.
   * @param keepMs how long the end of a job is kept, in milliseconds; default RETENTION_MS. A job that runs is kept until its end.
   */
  publishJob(progress: JobProgress, keepMs?: number): Promise<boolean>;
  /** Live figures of one worker's open pages of a job; they vanish after `ttlMs`, and when the job ends. */
  publishLive(job: string, worker: string, figures: LiveFigures, ttlMs: number): Promise<void>;
  /** Appends findings to the job's stream (bounded to the last 10,000). A row that is already there is left out. */
  publishFindings(job: string, rows: readonly OutcomeRow[]): Promise<void>;
  job(job: string): Promise<{ progress: JobProgress; live: LiveFigures | undefined } | undefined>;
  /** Newest start first, then by id; `after` is the last job of the page before. */
  jobs(limit: number, after?: Started): Promise<readonly JobProgress[]>;
  /** Ids of the jobs that have not ended, as far as the status knows, in no particular order. */
  open(): Promise<readonly string[]>;
  /** Findings behind `after` (an opaque id), oldest first. Behind an id that was dropped: the oldest kept. */
  findings(job: string, after: string | undefined, limit: number): Promise<readonly { id: string; row: OutcomeRow }[]>;
  /** How many findings of the job are kept, and whether the one of this id is among them. */
  findingsKept(job: string, id?: string): Promise<{ count: number; known: boolean }>;
  /**
   * Changes whenever the store may have lost data: it was flushed, restarted (perhaps with an older copy of its data), or replaced. What was
   * published before is then to be published again.
   */
  epoch(): Promise<string>;
  /** How far the last rebuild came; undefined when there was none since the data was lost. */
  rebuild(): Promise<RebuildNote | undefined>;
  /** Writes that down, unless the store has lost its data again since the note's epoch was read: false. */
  noteRebuild(note: RebuildNote): Promise<boolean>;
  /** Takes the lock of those who rebuild, or keeps it, for `ms`. False while another owner has it. */
  lock(owner: string, ms: number): Promise<boolean>;
  unlock(owner: string): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
