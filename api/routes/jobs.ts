import * as answers from '../answer-schemas.ts';
import { applyRequest } from '../apply-request.ts';
import type { ControlJobAnswer, StartJobAnswer } from '../contract.ts';
import { API_PREFIX } from '../contract.ts';
import { ControlError, type ControlVerb, workflowIdOf } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import * as requests from '../request-schemas.ts';
import { type Route, route } from '../route.ts';
import { startRequest } from '../start-request.ts';

export function jobRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  async function start(request: ReturnType<typeof startRequest>): Promise<StartJobAnswer> {
    const workflowId = workflowIdOf(request);
    try {
      const { job, joined } = await deps.control.start(request);
      jobs.remember(job, workflowId);
      return { job, joined, links: { ...links(job), ...temporalLink(deps, workflowId) } };
    } catch (error) {
      if (!(error instanceof ControlError) || error.code !== 'no_worker') throw error;
      jobs.remember(request.job, workflowId);
      const { job } = request;
      const detail = `No worker took the scan in time. It may wait in Temporal and begin once a worker is there; to end it: cancel job ${job}.`;
      throw new ApiProblem('no_worker', detail, { cause: error, extra: { job } });
    }
  }

  const control = (verb: ControlVerb): Route =>
    route({
      method: 'POST',
      path: `/jobs/:job/${verb}`,
      summary: CONTROLS[verb],
      params: requests.jobParams,
      json: requests.controlBody,
      optionalBody: true,
      answers: { 200: answers.controlJobAnswer },
      problems: ['job_not_found', 'job_ended', 'job_cancelling', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { job }, body, actor }) => {
        const workflowId = await jobs.workflowOf(job);
        const request = { job, actor, ...(body.reason !== undefined && { reason: body.reason }) };
        const { state, idle, revision } = await steer(deps, workflowId, verb, request);
        const answer: ControlJobAnswer = {
          job,
          state,
          ...(idle !== undefined && { idle }),
          revision,
          links: { self: links(job).self },
        };
        return { status: 200, body: answer };
      },
    });

  return [
    route({
      method: 'POST',
      path: '/jobs',
      summary: 'Starts a full scan, or joins the one of the same source that runs with the same settings.',
      json: requests.startJobBody,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'connector_not_found',
        'folder_scans_off',
        'filter_invalid',
        'scan_running',
        'scanner_not_named',
        'scanner_unknown',
        'standin_refused',
        'no_worker',
        'temporal_unreachable',
      ],
      handle: async ({ body, actor }) => {
        const answer = await start(startRequest(deps, body, actor));
        return { status: answer.joined ? 200 : 201, body: answer };
      },
    }),
    route({
      method: 'GET',
      path: '/jobs',
      summary: 'Jobs, newest first.',
      query: requests.jobsQuery,
      answers: { 200: answers.jobList },
      handle: async ({ query }) => ({ status: 200, body: await jobs.list(query.limit, query.after) }),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job',
      summary: 'A job as it is now.',
      params: requests.jobParams,
      answers: { 200: answers.jobResource },
      problems: ['job_not_found', 'no_worker'],
      handle: async ({ params }) => ({ status: 200, body: await jobs.get(params.job) }),
    }),
    route({
      method: 'POST',
      path: '/jobs/:job/apply',
      summary: 'Carries out what a dry run planned, on the versions that were judged; or joins the job that does so.',
      params: requests.jobParams,
      json: requests.applyBody,
      optionalBody: true,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'job_not_found',
        'job_running',
        'nothing_planned',
        'connector_not_found',
        'folder_scans_off',
        'scan_running',
        'no_worker',
        'temporal_unreachable',
        'ledger_unavailable',
      ],
      handle: async ({ params, body, actor }) => {
        const answer = await start(await applyRequest(deps, jobs, params.job, body, actor));
        return { status: answer.joined ? 200 : 201, body: answer };
      },
    }),
    control('pause'),
    control('resume'),
    control('cancel'),
  ];
}

const CONTROLS: Readonly<Record<ControlVerb, string>> = {
  pause: 'No new item is begun; what is in hand ends or is handed back.',
  resume: 'Goes on where it was.',
  cancel: 'Ends the job with an exact account of what was done.',
};

export function links(job: string): { self: string; events: string } {
  const self = `${API_PREFIX}/jobs/${job}`;
  return { self, events: `${self}/events` };
}

function temporalLink({ settings: { temporal } }: ApiDeps, workflowId: string): { temporal?: string } {
  if (temporal.uiUrl === undefined) return {};
  const path = `namespaces/${encodeURIComponent(temporal.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return { temporal: `${temporal.uiUrl.replace(/\/+$/, '')}/${path}` };
}

/** A workflow that is gone means a job that has ended. */
async function steer(
  deps: ApiDeps,
  workflowId: string,
  verb: ControlVerb,
  request: { job: string; actor: string; reason?: string },
) {
  try {
    return await deps.control.steer(workflowId, verb, request);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'not_found') throw error;
    throw new ApiProblem('job_ended', `Job ${request.job} has ended.`, { cause: error, extra: { job: request.job } });
  }
}
