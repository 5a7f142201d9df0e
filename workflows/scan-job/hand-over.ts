import { defineSignal, makeContinueAsNewFunc, setHandler, workflowInfo } from '@temporalio/workflow';
import { SIGNAL, type StartRequest } from '../messages.ts';
import type { ScanJob } from './scan-job.ts';
import type { JobResult, ScanJobState } from './state.ts';

const versionSignal = defineSignal(SIGNAL.version);

/** A new version of the workers is there: a run that waits for nothing else would not notice. */
export function acceptVersions(job: ScanJob): void {
  setHandler(versionSignal, () => {
    job.news = true;
  });
}

/** The run is to hand over to a new one: Temporal suggests it, or the workers have another version by now. */
export function handOverDue(state: Pick<ScanJobState, 'leftVersion'>): boolean {
  return workflowInfo().continueAsNewSuggested || versionChanged(state);
}

/** A run that was to leave a version and is still served by it (somebody pinned it there) does not try again. */
export function versionChanged({ leftVersion }: Pick<ScanJobState, 'leftVersion'>): boolean {
  const { targetWorkerDeploymentVersionChanged: changed, currentDeploymentVersion: served } = workflowInfo();
  return changed && served !== undefined && served.buildId !== leftVersion;
}

type Run = (request: StartRequest, carried: ScanJobState) => Promise<JobResult>;

/** Goes on in a new run with the same state; under the workers' present version, if that is another one. Never returns. */
export async function handOver(state: ScanJobState): Promise<never> {
  if (!versionChanged(state)) return await makeContinueAsNewFunc<Run>()(state.request, state);
  const leftVersion = workflowInfo().currentDeploymentVersion?.buildId;
  const next = makeContinueAsNewFunc<Run>({ initialVersioningBehavior: 'AUTO_UPGRADE' });
  return await next(state.request, { ...state, ...(leftVersion !== undefined && { leftVersion }) });
}
