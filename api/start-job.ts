import type { StartAnswer, StartRequest } from '../workflows/messages.ts';
import { API_PREFIX, type StartJobAnswer } from './contract.ts';
import { ControlError, workflowIdOf } from './control.ts';
import type { ApiDeps } from './deps.ts';
import { boundBefore, isKeyed } from './idempotency.ts';
import type { Jobs } from './jobs.ts';
import { ApiProblem } from './problems.ts';

/** Starts a job, or joins the equal one that runs. @throws ApiProblem `no_worker`, naming the job; ControlError */
export async function startJob(deps: ApiDeps, jobs: Jobs, request: StartRequest): Promise<StartJobAnswer> {
  const workflowId = workflowIdOf(request);
  const answer = ({ job, ...how }: StartAnswer): StartJobAnswer => {
    return { job, ...how, links: { ...links(job), ...temporalLink(deps, workflowId) } };
  };
  const before = isKeyed(request) ? await boundBefore(deps, request) : undefined;
  if (before !== undefined) return answer(before);
  try {
    const started = await deps.control.start(request);
    jobs.remember(started.job, workflowId);
    return answer(started);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'no_worker') throw error;
    jobs.remember(request.job, workflowId);
    const { job } = request;
    const detail = `No worker took the scan in time. It may wait in Temporal and begin once a worker is there; to end it: cancel job ${job}.`;
    throw new ApiProblem('no_worker', detail, { cause: error, extra: { job } });
  }
}

/** Where a job and its events are found, by path. */
export function links(job: string): { self: string; events: string } {
  const self = `${API_PREFIX}/jobs/${job}`;
  return { self, events: `${self}/events` };
}

function temporalLink({ settings: { temporal } }: ApiDeps, workflowId: string): { temporal?: string } {
  if (temporal.uiUrl === undefined) return {};
  const path = `namespaces/${encodeURIComponent(temporal.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return { temporal: `${temporal.uiUrl.replace(/\/+$/, '')}/${path}` };
}
