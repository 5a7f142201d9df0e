import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
} from '@temporalio/workflow';
import type { TakenJob } from '../../activities/types.ts';
import { REFUSAL, type StartRequest } from '../messages.ts';
import { acceptControl } from './control.ts';
import { Driver } from './driver.ts';
import { acceptVersions, handOver } from './hand-over.ts';
import { jobActivities } from './proxies.ts';
import { ScanJob } from './scan-job.ts';
import type { JobResult, ScanJobState } from './state.ts';
import { tellWaiters } from './waiters.ts';

/**
 * One run of a scan workflow: rules, messages, driver; then the result, or the next run with the same state. Temporal's own
 * Cancel means `cancel`.
 */
export async function runScanJob(request: StartRequest, carried: ScanJobState | undefined): Promise<JobResult> {
  const job = carried === undefined ? ScanJob.begin(request, new Date().toISOString()) : new ScanJob(carried);
  const activities = jobActivities(job.state.request);
  acceptControl(job, activities.orchestrator);
  acceptVersions(job);
  watchForCancel(job);
  const driver = new Driver(job, activities);
  const result = await CancellationScope.nonCancellable(() => driver.run());
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (result !== undefined) return await told(job, result);
  if (job.state.taken !== undefined) return await told(job, resultOf(job.state.taken));
  return await handOver(job.state);
}

export async function told(job: ScanJob, result: JobResult): Promise<JobResult> {
  await CancellationScope.nonCancellable(() => tellWaiters(job.state, { job: result.job, state: result.state }));
  return result;
}

/** A run that came too late ends with the account of the job that it would have been; where that has none, it fails. */
export function resultOf({ job, ended }: TakenJob): JobResult {
  if (ended !== undefined) return { job, ...ended };
  throw ApplicationFailure.nonRetryable(`its idempotency key stands for job ${job}`, REFUSAL.begunBefore);
}

/** The work runs in a scope that Temporal's Cancel does not reach: it is turned into the job's own cancel. */
export function watchForCancel(job: ScanJob): void {
  CancellationScope.current().cancelRequested.catch((error: unknown) => {
    if (isCancellation(error)) job.cancel({ job: job.id, actor: 'temporal' }, new Date().toISOString());
  });
}
