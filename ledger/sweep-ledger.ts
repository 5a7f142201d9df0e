import { canonicalJson } from './canonical-json.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import type { Ledger } from './ledger.ts';
import { SWEPT_NAME } from './names.ts';
import { type SweepReport, sweepStrays } from './sweep.ts';

/** Strays are swept so long after a job's end: by then no worker that was frozen can still come back. In milliseconds. */
export const SWEEP_AFTER_MS = 24 * 3_600_000;

export interface LedgerSweepOptions {
  /**
   * Whether a job that has no header still waits for its worker, or runs: what it left is then no stray. Only asked for such jobs. What it
   * throws ends the sweep.
   */
  readonly waits: (job: string) => Promise<boolean>;
  /** Jobs that were swept, or found swept: they are not opened again. The sweep adds to it. */
  readonly done: Set<string>;
  /** Told of a job that was left alone because its ledger is damaged. */
  readonly onDamage: (job: string, error: LedgerError) => void;
  /** Ends the sweep between two jobs. */
  readonly signal?: AbortSignal;
  readonly afterMs?: number;
  readonly now?: () => number;
}

/** What a sweep of a whole ledger did. `jobs`: those of which something was removed. */
export interface LedgerSweepReport extends SweepReport {
  readonly jobs: number;
}

/**
 * Sweeps every job that ended long enough ago, once: a note in its ledger says that it was done, so that nobody reads it through again.
 * Several processes may do so at once.
 * @throws LedgerError when the ledger can't be read or written, and what `waits` throws
 */
export async function sweepLedger(ledger: Ledger, options: LedgerSweepOptions): Promise<LedgerSweepReport> {
  const { done, afterMs = SWEEP_AFTER_MS, now = Date.now } = options;
  const total = { jobs: 0, removed: 0, bytes: 0, unfinished: 0, left: 0 };
  for await (const name of ledger.folders()) {
    if (options.signal?.aborted) break;
    if (done.has(name)) continue;
    const job = ledger.job(name);
    try {
      const swept = await sweepJob(job, options.waits, afterMs, now());
      if (swept === 'later') continue;
      if (swept !== 'before') {
        total.jobs += swept.removed + swept.unfinished > 0 ? 1 : 0;
        total.removed += swept.removed;
        total.bytes += swept.bytes;
        total.unfinished += swept.unfinished;
        total.left += swept.left;
        if (!swept.ended) continue;
      }
      done.add(name);
    } catch (error) {
      if (!(error instanceof LedgerError) || (error.code !== 'corrupt' && error.code !== 'not_found')) throw error;
      done.add(name);
      options.onDamage(name, error);
    }
  }
  return total;
}

async function sweepJob(
  job: JobLedger,
  waits: (job: string) => Promise<boolean>,
  afterMs: number,
  now: number,
): Promise<'before' | 'later' | (SweepReport & { ended: boolean })> {
  if (await wasSwept(job)) return 'before';
  if ((await job.header()) === undefined) {
    if (await waits(job.id)) return 'later';
    return { ...(await sweepStrays(job, afterMs, now)), ended: false };
  }
  const endedAt = (await job.head())?.body.account?.endedAt;
  if (endedAt === undefined || !(Date.parse(endedAt) < now - afterMs)) return 'later';
  const report = await sweepStrays(job, afterMs, now);
  await noteSwept(job, report, now);
  return { ...report, ended: true };
}

async function wasSwept(job: JobLedger): Promise<boolean> {
  try {
    await job.objects.get(SWEPT_NAME);
    return true;
  } catch (error) {
    if (isLedgerError(error, 'not_found')) return false;
    throw error;
  }
}

/** Another process may have written its own note at the same moment: either will do. */
async function noteSwept(
  job: JobLedger,
  { removed, bytes, unfinished, left }: SweepReport,
  now: number,
): Promise<void> {
  const note = { format: 1, job: job.id, sweptAt: new Date(now).toISOString(), removed, bytes, unfinished, left };
  try {
    await job.objects.put(SWEPT_NAME, Buffer.from(canonicalJson(note)));
  } catch (error) {
    if (!isLedgerError(error, 'conflict')) throw error;
  }
}
