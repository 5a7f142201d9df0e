import type { ObjectRef } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { BeginJobInput } from './types.ts';

/**
 * Writes the job's header: the first object of its ledger, and what its first commit builds on.
 * @throws LedgerError
 */
export function createBeginJob(deps: OrchestratorDeps): (input: BeginJobInput) => Promise<ObjectRef> {
  return ({ job, kind, source, settings, actor, startedAt, intake, retry }) =>
    withPulse(async () => {
      // Noted first: every retry that has a header is found from its first job.
      if (retry !== undefined) await deps.ledger.noteRetry(retry.first, job);
      return await deps.ledger.job(job).writeHeader({
        format: 1,
        job,
        kind,
        source,
        settings,
        actor,
        startedAt,
        ...(intake !== undefined && { intake }),
        ...(retry !== undefined && { retry }),
      });
    });
}
