import type { Order } from '../domain/approval.ts';
import type { FinalState, JobKind, Source } from '../domain/job.ts';
import { type Counters, noCounters } from '../domain/outcome.ts';
import { type RetryTarget, targetOf } from '../domain/retry.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { viewOf } from './job-view.ts';

/** A job as its ledger alone tells it. */
export type JobSummary = ReadableJob | DamagedJob;

export interface ReadableJob {
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  /** What a retry retries. */
  readonly retry?: RetryTarget;
  /** What an apply job carries out. */
  readonly order?: Order;
  /** `unfinished`: no final commit: it runs, or was never ended. */
  readonly state: FinalState | 'unfinished';
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Items; of an unfinished job those that its commits know of. */
  readonly listed: number;
  readonly counters: Counters;
  /** Present once the job has ended. */
  readonly root?: string;
}

/** A job whose ledger can't be read; `problem` says why. */
export interface DamagedJob {
  readonly job: string;
  readonly kind?: undefined;
  readonly source?: undefined;
  readonly retry?: undefined;
  readonly order?: undefined;
  readonly state: 'damaged';
  readonly startedAt?: undefined;
  readonly endedAt?: undefined;
  readonly listed: 0;
  readonly counters: Counters;
  readonly root?: undefined;
  readonly problem: string;
}

/** Never raises for damage: one broken job must not hide the others. @throws LedgerError `not_readable`, `unavailable` */
export async function summarize(job: JobLedger): Promise<JobSummary> {
  try {
    const header = await job.header();
    if (header === undefined) throw new LedgerError('not_found', job.id, `The job ${job.id} has no header.`);
    const { source, startedAt } = header;
    const kind = {
      kind: header.kind,
      ...(header.retry !== undefined && { retry: targetOf(header.retry) }),
      ...(header.order !== undefined && { order: header.order }),
    };
    const head = await job.head();
    const account = head?.body.account;
    if (head !== undefined && account !== undefined) {
      const { state, listed, counters, endedAt } = account;
      return { job: job.id, ...kind, source, state, startedAt, endedAt, listed, counters, root: head.hash };
    }
    const { listed } = await viewOf(job);
    const counters = head?.body.counters ?? noCounters();
    return { job: job.id, ...kind, source, state: 'unfinished', startedAt, listed, counters };
  } catch (error) {
    if (!isLedgerError(error, 'corrupt') && !isLedgerError(error, 'not_found') && !isLedgerError(error, 'invalid')) {
      throw error;
    }
    return { job: job.id, state: 'damaged', listed: 0, counters: noCounters(), problem: error.message };
  }
}
