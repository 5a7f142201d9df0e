import type { StartRequest } from './messages.ts';
import { runScanJob } from './scan-job/run.ts';
import type { JobResult, ScanJobState } from './scan-job/state.ts';

/** Scans everything in the scope of a source. One at a time per source: the workflow id is the source's. */
export async function fullScan(request: StartRequest, carried?: ScanJobState): Promise<JobResult> {
  return await runScanJob(request, carried);
}
