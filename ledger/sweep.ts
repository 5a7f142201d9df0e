import { isLedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { FOLDERS, HEADER_NAME } from './names.ts';

export interface SweepReport {
  /** Objects removed. */
  readonly removed: number;
  readonly bytes: number;
  /** Temporary files and unfinished uploads removed. */
  readonly unfinished: number;
  /** Strays that stay, because the store lets nothing be removed. */
  readonly left: number;
}

/**
 * Kept for as long as the job: what was asked for, what was about to be done, and every commit, since one beside the chain is
 * evidence.
 */
const KEPT: readonly string[] = ['intents', 'intake', 'commits'];

/**
 * Removes what counts for nothing and is older than `olderThanMs`: objects that no commit names, of a job that ended that long ago;
 * and all that a job which never got a header left behind. Nothing of a job that has not ended is touched, and nothing when the
 * ledger is damaged: an object may be a stray only because the commit that names it can't be read. Where removing is not allowed, strays are
 * counted.
 * @param now ms since the epoch
 * @throws LedgerError `corrupt`, `not_found` (damaged), `not_writable`, `not_readable`, `unavailable`
 */
export async function sweepStrays(job: JobLedger, olderThanMs: number, now = Date.now()): Promise<SweepReport> {
  const nothing = { removed: 0, bytes: 0, unfinished: 0, left: 0 };
  const before = now - olderThanMs;
  const started = (await job.header()) !== undefined;
  const named = new Set<string>([HEADER_NAME]);
  if (started) {
    const endedAt = await nameAll(job, named);
    if (endedAt === undefined || !(Date.parse(endedAt) < before)) return nothing;
  }
  let removed = 0;
  let bytes = 0;
  let left = 0;
  const known = new Set<string>(FOLDERS);
  for await (const object of job.objects.list()) {
    const folder = object.name.slice(0, Math.max(0, object.name.indexOf('/')));
    // What is none of our objects is somebody's own and stays.
    if (!known.has(folder) || !/^[a-z]+\/[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(object.name)) continue;
    if (named.has(object.name) || object.modifiedMs >= before) continue;
    if (started && KEPT.includes(folder)) continue;
    if (left > 0 || !(await remove(job, object.name))) {
      left += 1;
      continue;
    }
    removed += 1;
    bytes += object.size;
  }
  return { removed, bytes, unfinished: left > 0 ? 0 : await job.objects.removeUnfinished(before), left };
}

/** False when it may not be removed. */
async function remove(job: JobLedger, name: string): Promise<boolean> {
  try {
    await job.objects.delete(name);
    return true;
  } catch (error) {
    if (isLedgerError(error, 'not_writable')) return false;
    throw error;
  }
}

/** Adds the names of all that counts. Returns when the job ended; undefined when it has not. */
async function nameAll(job: JobLedger, named: Set<string>): Promise<string | undefined> {
  let endedAt: string | undefined;
  for (const link of (await job.chain()).links) named.add(link.name);
  for await (const { body } of job.commits()) {
    endedAt = body.account?.endedAt;
    for (const ref of body.indexes) {
      named.add(ref.name);
      for (const page of (await job.readIndex(ref)).pages) named.add(page.object.name);
    }
    for (const page of body.pages) named.add(page.listing.name).add(page.segment.name);
    for (const action of body.actions) named.add(action.segment.name);
  }
  return endedAt;
}
