import type { StartRequest } from './messages.ts';
import { runScanJob } from './scan-job/run.ts';
import type { JobResult, ScanJobState } from './scan-job/state.ts';

/** Scans the items that a request named (its intake page), ahead of full scans. */
export async function requestedScan(request: StartRequest, carried?: ScanJobState): Promise<JobResult> {
  return await runScanJob(request, carried);
}
