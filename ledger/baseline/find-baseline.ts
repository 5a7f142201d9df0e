import type { NoBaseline } from '../../domain/incremental.ts';
import type { JobKind } from '../../domain/job.ts';
import { noCounters, rowsOf } from '../../domain/outcome.ts';
import { isLedgerError } from '../errors.ts';
import type { JobState } from '../job-ledger.ts';
import type { Begun, Ledger } from '../ledger.ts';

/** A job whose rows are heeded. */
export interface HeededJob {
  readonly job: string;
  /** Root of its ledger. Absent: it has not ended, so its rows carry nothing over; they only stand against older ones. */
  readonly root?: string;
  /** Its own listing is in the order of locations, and is read beside the new one; else its rows are held in memory. */
  readonly ordered?: true;
}

/** The jobs that an incremental scan is laid beside. Names and hashes only: it is kept in the positions of the listing. */
export interface Baseline {
  /** The newest full scan that was not cut short; else the newest that was. */
  readonly since: { readonly job: string; readonly root: string };
  /** Set when that one was cut short: what it did not come to is not known to be new. */
  readonly cut?: true;
  /** That one first, then all others whose rows may be newer. */
  readonly jobs: readonly HeededJob[];
}

/** What is known of the job that looks. */
export interface Looking {
  readonly job: string;
  /** Id of its source, and fingerprint of the asset. */
  readonly source: string;
  readonly fingerprint: string | undefined;
  /** Whether listings of its connector are in the order of locations. */
  readonly ordered: boolean;
}

/** Rows that a worker holds in memory at most, some 70 bytes each. */
export const MAX_HELD_ROWS = 2_000_000;
/** Jobs beside the baseline that are opened at most. */
const MAX_JOBS = 2_000;
/** No job lasts so long: what began earlier than this before the baseline has no rows that are newer. Milliseconds. */
const LONGEST_JOB_MS = 35 * 86_400_000;
/** Jobs of these kinds scan nothing. */
const NOT_SCANNING: ReadonlySet<JobKind> = new Set(['apply']);

/**
 * Chooses what an incremental scan builds on: the newest full scan of the same source and asset that has ended, and every job of the
 * source that may hold newer rows.
 * @throws LedgerError `not_readable`, `unavailable`, …; damage is told as `why`
 */
export async function findBaseline(
  ledger: Pick<Ledger, 'starts' | 'job'>,
  looking: Looking,
  maxRows = MAX_HELD_ROWS,
): Promise<Baseline | NoBaseline> {
  const begun = (await ledger.starts()).filter(
    ({ job, source, kind }) =>
      job !== looking.job && source === looking.source && kind !== undefined && !NOT_SCANNING.has(kind),
  );
  const states = new Map<string, JobState>();
  const stateOf = async ({ job }: Begun): Promise<JobState | undefined> => {
    const found = states.get(job) ?? (await ledger.job(job).state());
    if (found !== undefined) states.set(job, found);
    return found;
  };
  try {
    const base = await newestFull(begun, looking, stateOf);
    if ('code' in base) return base;
    return await withLater(begun, base, looking, stateOf, maxRows);
  } catch (error) {
    if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) {
      return { code: 'damaged', detail: error.message };
    }
    throw error;
  }
}

const ANEW = 'a scan that is not incremental sets a new beginning';

type StateOf = (begun: Begun) => Promise<JobState | undefined>;

async function newestFull(begun: readonly Begun[], looking: Looking, stateOf: StateOf): Promise<Begun | NoBaseline> {
  let cut: Begun | undefined;
  let other = 0;
  for (const one of begun) {
    if (one.kind !== 'full') continue;
    const account = (await stateOf(one))?.head?.body.account;
    if (account === undefined) continue;
    if (account.fingerprint === undefined || account.fingerprint !== looking.fingerprint) {
      other += account.fingerprint === undefined ? 0 : 1;
      continue;
    }
    if (account.state === 'completed' || account.state === 'completed_with_gaps') return one;
    if (rowsOf(account.counters) > 0) cut ??= one;
  }
  if (cut !== undefined) return cut;
  if (other > 0) return { code: 'other_asset', detail: 'the scans that ended were of an asset that lies elsewhere' };
  return { code: 'no_baseline', detail: 'no scan of this source has ended' };
}

/** Everything that ended, or may still go on, since the base began. */
async function withLater(
  begun: readonly Begun[],
  base: Begun,
  looking: Looking,
  stateOf: StateOf,
  maxRows: number,
): Promise<Baseline | NoBaseline> {
  const head = (await stateOf(base))?.head;
  const root = head?.hash ?? '';
  const since = new Date(Date.parse(base.startedAt) - LONGEST_JOB_MS).toISOString();
  const others = begun.filter(({ job, startedAt }) => job !== base.job && startedAt >= since);
  if (others.length > MAX_JOBS) {
    const detail = `${others.length} jobs may hold newer rows than ${base.job}, and ${MAX_JOBS} may be opened`;
    return { code: 'too_large', detail: `${detail}; ${ANEW}` };
  }
  const jobs: HeededJob[] = [{ job: base.job, root, ...(looking.ordered && { ordered: true }) }];
  let held = looking.ordered ? 0 : rowsOf(head?.body.counters ?? noCounters());
  for (const one of others) {
    const state = await stateOf(one);
    const found = state?.head;
    if (found === undefined || rowsOf(found.body.counters) === 0) continue;
    const { account, counters } = found.body;
    const over = account === undefined ? one.kind === 'full' && one.startedAt < base.startedAt : false;
    if (over || (account !== undefined && account.endedAt < base.startedAt)) continue;
    // Another asset's rows are about other items.
    if (account?.fingerprint !== undefined && account.fingerprint !== looking.fingerprint) continue;
    const ordered = one.kind === 'full' && looking.ordered;
    if (!ordered) held += rowsOf(counters);
    const ended = account?.fingerprint !== undefined && { root: found.hash };
    jobs.push({ job: one.job, ...ended, ...(ordered && { ordered: true }) });
  }
  const state = head?.body.account?.state;
  const cut = state !== 'completed' && state !== 'completed_with_gaps';
  if (held <= maxRows) return { since: { job: base.job, root }, ...(cut && { cut }), jobs };
  const detail = `${held} rows would have to be held in memory, and ${maxRows} may be`;
  return { code: 'too_large', detail: `${detail}; ${ANEW}` };
}
