import { LedgerError } from '../ledger/errors.ts';
import { linksOf, readChain } from '../ledger/retry-chain.ts';
import type { OrchestratorDeps } from './deps.ts';
import type { OpenedRetry, OpenRetryInput } from './types.ts';

/**
 * What a retry builds on: the first job and its retries that have ended, each with its root, and their account. The workflow that
 * asks is the only one of this first job, so none of them is still running.
 * @throws LedgerError `corrupt`, `not_found` (the first job is gone, or has no account)
 */
export function createOpenRetry(deps: OrchestratorDeps): (input: OpenRetryInput) => Promise<OpenedRetry> {
  return async ({ retry: { first, of } }) => {
    const chain = await readChain(deps.ledger, first);
    const links = chain === undefined ? [] : linksOf(chain);
    if (chain === undefined || !links.some(({ job }) => job === of)) {
      throw new LedgerError('not_found', of, `The account of job ${of}, whose items are to be retried, is not there.`);
    }
    const { fingerprint } = chain.first.account;
    return { chain: links, before: chain.whole, ...(fingerprint !== undefined && { fingerprint }) };
  };
}
