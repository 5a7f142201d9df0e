import { isFinal, type JobProgress } from '../domain/job.ts';
import type { Started } from '../domain/job-order.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { KEPT_FINDINGS, RETENTION_MS, type StatusStore } from './status.ts';

/** A job that runs. */
export interface RunningJob {
  /** Its id, where that is known without asking the workflow. */
  readonly job: string | undefined;
  /** What its workflow says; where no worker answers, what the ledger knows; undefined when neither does. */
  readonly progress: JobProgress | undefined;
  /** False when no worker answered for it. */
  readonly answered: boolean;
  /** Its findings so far, in steps. */
  findings(): AsyncIterable<readonly OutcomeRow[]>;
}

/** A job of the ledger: undefined progress when it has not ended, or can't be read. */
export interface LedgerEntry extends Started {
  readonly progress: JobProgress | undefined;
  findings(): AsyncIterable<readonly OutcomeRow[]>;
}

/** What a status is rebuilt from. */
export interface RebuildSources {
  /** Jobs that run, as Temporal lists them, newest first: all, or at most so many. */
  running(limit?: number): AsyncIterable<RunningJob>;
  /** Jobs of the ledger behind a place, newest first. */
  ended(behind: Started | undefined): AsyncIterable<LedgerEntry>;
  /** The account of one job; undefined when it has not ended. */
  account(job: string): Promise<JobProgress | undefined>;
}

export interface EndedOptions {
  /** How many jobs of the ledger are looked at, counted from the newest; default `REBUILT_JOBS`. */
  readonly newest?: number;
  /** Go on behind this place of the ledger. */
  readonly from?: Started | undefined;
  /** Told after each step; false ends it (another one took over, or the process stops). */
  readonly onStep?: (place: Started) => Promise<boolean>;
  /** Milliseconds of rest after each job; default 2. */
  readonly pauseMs?: number;
  readonly now?: () => number;
}

export interface RunningReport {
  /** Jobs that run, by id, whose figures were written or were there already. */
  readonly running: ReadonlySet<string>;
  /** Those for which no worker answered. */
  readonly unanswered: readonly string[];
  /** Findings put back. */
  readonly findings: number;
}
export interface EndedReport {
  readonly ended: number;
  readonly findings: number;
  /** False when `onStep` ended it. */
  readonly whole: boolean;
}

/** So many jobs of the ledger are written back; older ones are answered by the ledger itself. */
export const REBUILT_JOBS = 1_000;
/** Jobs of the ledger between two calls of `onStep`. */
const STEP = 25;

/**
 * Writes what the workflows say of the jobs that run. Every write is one that a newer one beats, so it may go on beside the workflows' own,
 * and twice at once.
 * @throws StatusUnavailable, and what the sources throw
 */
export async function writeRunning(
  status: StatusStore,
  sources: RebuildSources,
  limit?: number,
): Promise<RunningReport> {
  const running = new Set<string>();
  const unanswered: string[] = [];
  let findings = 0;
  for await (const { job, progress, answered, findings: rows } of sources.running(limit)) {
    if (!answered) unanswered.push(job ?? '?');
    if (progress === undefined) continue;
    running.add(progress.job);
    await status.publishJob(progress);
    findings += await putBack(status, progress, rows);
  }
  return { running, unanswered, findings };
}

/**
 * Writes the accounts of jobs that ended within the retention, newest first.
 * @throws StatusUnavailable, and what the sources throw
 */
export async function writeEnded(
  status: StatusStore,
  sources: RebuildSources,
  options: EndedOptions = {},
): Promise<EndedReport> {
  const { newest = REBUILT_JOBS, pauseMs = 2, now = Date.now } = options;
  let looked = 0;
  let ended = 0;
  let findings = 0;
  for await (const { job, startedAt, progress, findings: rows } of sources.ended(options.from)) {
    const left = progress === undefined ? 0 : keepMs(progress, now());
    if (progress !== undefined && left > 0) {
      await status.publishJob(progress, left);
      ended += 1;
      findings += await putBack(status, progress, rows);
    }
    looked += 1;
    if (looked >= newest) break;
    if (looked % STEP === 0 && (await options.onStep?.({ startedAt, job })) === false) {
      return { ended, findings, whole: false };
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { ended, findings, whole: true };
}

/**
 * Closes what the status shows running, and the ledger has the account of: its last word was lost. `doubtful`: jobs that the status shows
 * running, and Temporal does not list. Returns the jobs that it closed.
 */
export async function closeEnded(
  status: StatusStore,
  sources: RebuildSources,
  doubtful: readonly string[],
): Promise<readonly string[]> {
  const closed: string[] = [];
  for (const job of doubtful) {
    const progress = await sources.account(job);
    if (progress === undefined) continue;
    await status.publishJob(progress, Math.max(1, keepMs(progress, Date.now())));
    closed.push(job);
  }
  return closed;
}

/** Findings that the status should have and has not. More than it keeps are left to the ledger, where readers find them. */
async function putBack(
  status: StatusStore,
  progress: JobProgress,
  rows: () => AsyncIterable<readonly OutcomeRow[]>,
): Promise<number> {
  const { malicious, policy_blocked } = progress.counters.outcomes;
  const total = malicious + policy_blocked;
  if (total === 0 || total > KEPT_FINDINGS) return 0;
  if ((await status.findingsKept(progress.job)).count >= total) return 0;
  let written = 0;
  for await (const step of rows()) {
    await status.publishFindings(progress.job, step);
    written += step.length;
  }
  return written;
}

/** How much of its retention a job that has ended has left, in milliseconds; all of it where its end is not known. */
function keepMs({ state, endedAt }: JobProgress, now: number): number {
  const end = isFinal(state) ? Date.parse(endedAt ?? '') : Number.NaN;
  return Number.isNaN(end) ? RETENTION_MS : Math.min(RETENTION_MS, end + RETENTION_MS - now);
}
