import { isFinal } from '../domain/job.ts';
import { LedgerError } from '../ledger/errors.ts';
import { type Relations, relationsOf } from '../ledger/retry-chain.ts';
import type { JobResource } from './contract.ts';
import type { ApiDeps } from './deps.ts';

/** The job with what its retries changed: only one that has ended and left gaps, or is a retry itself, can have any. */
export async function withRelations(deps: Pick<ApiDeps, 'ledger' | 'log'>, job: JobResource): Promise<JobResource> {
  if (!isFinal(job.state) || (job.retry === undefined && job.gaps.length === 0)) return job;
  let relations: Relations = {};
  try {
    relations = await relationsOf(await deps.ledger.open(), job.job, job.retry?.first ?? job.job);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    deps.log.warn({ job: job.job, code: error.code }, `retries: ${error.message}`);
  }
  return { ...job, ...relations };
}
