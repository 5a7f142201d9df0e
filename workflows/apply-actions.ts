import type { StartRequest } from './messages.ts';
import { runScanJob } from './scan-job/run.ts';
import type { JobResult, ScanJobState } from './scan-job/state.ts';

/** Carries out actions on findings of a job that has ended, with a ledger of its own: a plan, what was decided, or a restore. Scans nothing. */
export async function applyActions(request: StartRequest, carried?: ScanJobState): Promise<JobResult> {
  return await runScanJob(request, carried);
}
