import type { JobProgress } from '../domain/job.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';

/** Publishes a job's progress. The status is only a projection: when it is not there, nothing is lost and nothing fails. */
export function createPublishStatus(deps: OrchestratorDeps): (progress: JobProgress) => Promise<void> {
  return (progress) =>
    withPulse(async () => {
      await deps.status?.publishJob(progress).catch(() => undefined);
    });
}
