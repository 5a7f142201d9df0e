import { allHandlersFinished, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { StartRequest } from '../messages.ts';
import { acceptControl } from './control.ts';
import { Driver } from './driver.ts';
import { acceptVersions, handOver } from './hand-over.ts';
import { jobActivities } from './proxies.ts';
import { ScanJob } from './scan-job.ts';
import type { JobResult, ScanJobState } from './state.ts';

/**
 * One run of a scan workflow: rules, messages, driver; then the result, or the next run with the same state. Temporal's own
 * Cancel means `cancel`.
 */
export async function runScanJob(request: StartRequest, carried: ScanJobState | undefined): Promise<JobResult> {
  const job = carried === undefined ? ScanJob.begin(request, new Date().toISOString()) : new ScanJob(carried);
  acceptControl(job);
  acceptVersions(job);
  watchForCancel(job);
  const driver = new Driver(job, jobActivities(job.state.request));
  const result = await CancellationScope.nonCancellable(() => driver.run());
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (result !== undefined) return result;
  return await handOver(job.state);
}

/** The work runs in a scope that Temporal's Cancel does not reach: it is turned into the job's own cancel. */
function watchForCancel(job: ScanJob): void {
  CancellationScope.current().cancelRequested.catch((error: unknown) => {
    if (isCancellation(error)) job.cancel({ job: job.id, actor: 'temporal' }, new Date().toISOString());
  });
}
