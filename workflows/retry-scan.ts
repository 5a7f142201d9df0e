import type { StartRequest } from './messages.ts';
import { runScanJob } from './scan-job/run.ts';
import type { JobResult, ScanJobState } from './scan-job/state.ts';

/** Scans again what another job could not judge (its newest rows that were selected). One at a time per first job. */
export async function retryScan(request: StartRequest, carried?: ScanJobState): Promise<JobResult> {
  return await runScanJob(request, carried);
}
