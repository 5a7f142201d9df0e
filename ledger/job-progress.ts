import { noActions } from '../domain/action.ts';
import type { JobProgress } from '../domain/job.ts';
import { noCounters, rowsOf } from '../domain/outcome.ts';
import { targetOf } from '../domain/retry.ts';
import { isLedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';

/** What the ledger knows of a job: its commits alone. */
export interface LedgerJob {
  readonly progress: JobProgress;
  /** True once the last commit closes the account. */
  readonly ended: boolean;
}

/**
 * A job as its ledger tells it, or undefined when it holds none of this name. Of a job that has not ended the figures are those of
 * the last commit, and the state is only that it has not ended.
 * @throws LedgerError
 */
export async function ledgerJob(job: JobLedger): Promise<LedgerJob | undefined> {
  const found = await job.state();
  if (found === undefined) return undefined;
  const { header, head } = found;
  const account = head?.body.account;
  const counters = head?.body.counters ?? noCounters();
  const base = {
    job: header.job,
    kind: header.kind,
    source: header.source,
    ...(header.shard !== undefined && { shard: header.shard }),
    settings: header.settings,
    ...(header.coverage !== undefined && { coverage: header.coverage }),
    ...(header.retry !== undefined && { retry: targetOf(header.retry) }),
    actor: header.actor,
    startedAt: header.startedAt,
    ...(header.order !== undefined && { order: header.order }),
    // Below anything that the job itself has told.
    revision: 0,
    ...(head !== undefined && { commit: { number: head.number, hash: head.hash } }),
  };
  if (account === undefined) {
    const progress: JobProgress = {
      ...base,
      state: 'running',
      idle: { why: 'waiting_for_worker', reason: 'no worker answers; these are the figures of the last commit' },
      listed: rowsOf(counters),
      listedBytes: 0,
      listingDone: false,
      outside: 0,
      counters,
      pages: { listed: 0, open: 0, closed: 0 },
      actions: noActions(),
      gaps: [],
    };
    return { progress, ended: false };
  }
  const { fingerprint: _, revision = 0, pages = { listed: 0, closed: 0 }, ...told } = account;
  const progress = { ...base, ...told, revision: revision + 1, counters, pages: { ...pages, open: 0 } };
  return { progress, ended: true };
}

/** As `ledgerJob`; a job whose ledger is damaged is undefined too. */
export async function readableLedgerJob(job: JobLedger): Promise<LedgerJob | undefined> {
  try {
    return await ledgerJob(job);
  } catch (error) {
    if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) return undefined;
    throw error;
  }
}
