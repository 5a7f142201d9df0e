import type { ObjectRef } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import type { BeginJobInput } from './types.ts';

/**
 * Writes the job's header: the first object of its ledger, and what its first commit builds on.
 * @throws LedgerError
 */
export function createBeginJob(deps: OrchestratorDeps): (input: BeginJobInput) => Promise<ObjectRef> {
  return ({ job, kind, source, settings, actor, startedAt, intake, order }) =>
    deps.ledger.job(job).writeHeader({
      format: 1,
      job,
      kind,
      source,
      settings,
      actor,
      startedAt,
      ...(intake !== undefined && { intake }),
      ...(order !== undefined && { order }),
    });
}
