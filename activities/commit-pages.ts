import type { CommitBody, ObjectRef } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';

/**
 * Writes a commit; then the parts of its pages are no longer needed, since their segments count from now on.
 * @throws LedgerError
 */
export function createCommitPages(deps: OrchestratorDeps): (body: CommitBody) => Promise<ObjectRef> {
  return (body) =>
    withPulse(async () => {
      const ledger = deps.ledger.job(body.job);
      const commit = await ledger.writeCommit(body);
      await ledger.deletePartsOf(body.pages.map((page) => page.page));
      return commit;
    });
}
