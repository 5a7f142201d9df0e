import { LedgerError } from '../ledger/errors.ts';
import type { CommitBody, ObjectRef } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';

/**
 * Writes a commit; then the parts of its pages are no longer needed, since their segments count from now on. What can't be removed is a
 * stray, which the sweep finds; where removing is not allowed, it is not tried again.
 * @throws LedgerError
 */
export function createCommitPages(deps: OrchestratorDeps): (body: CommitBody) => Promise<ObjectRef> {
  let mayRemove = true;
  return (body) =>
    withPulse(async () => {
      const ledger = deps.ledger.job(body.job);
      const commit = await ledger.writeCommit(body);
      if (!mayRemove) return commit;
      try {
        await ledger.deletePartsOf(body.pages.map((page) => page.page));
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        if (error.code === 'not_writable') mayRemove = false;
      }
      return commit;
    });
}
