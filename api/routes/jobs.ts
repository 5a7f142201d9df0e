import type { ControlAnswer } from '../../workflows/messages.ts';
import * as answers from '../answer-schemas.ts';
import { applyRequest } from '../apply-request.ts';
import { createBriefMemo } from '../brief-memo.ts';
import type { ControlJobAnswer } from '../contract.ts';
import { ControlError, type ControlVerb } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotencyKey, keyed } from '../idempotency.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import * as requests from '../request-schemas.ts';
import { type Route, route } from '../route.ts';
import { startFollower } from '../start-follower.ts';
import { links, startJob } from '../start-job.ts';
import { meetConnector, startRequest } from '../start-request.ts';
import { type Written, written } from '../written.ts';

/** For how long everybody is given the same list, in milliseconds. It is the dearest answer, and consoles ask for it again and again. */
const LIST_MS = 250;
/** Lists that are kept so long: each may have some megabytes. */
const LISTS = 20;

export function jobRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const lists = createBriefMemo<Written>(LIST_MS, LISTS);
  const control = (verb: ControlVerb): Route =>
    route({
      method: 'POST',
      path: `/jobs/:job/${verb}`,
      summary: CONTROLS[verb],
      role: 'operator',
      params: requests.jobParams,
      json: requests.controlBody,
      optionalBody: true,
      answers: { 200: answers.controlJobAnswer },
      problems: ['job_not_found', 'job_ended', 'job_cancelling', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { job }, body, actor }) => {
        const workflowId = await jobs.workflowOf(job);
        const request = { job, actor, ...(body.reason !== undefined && { reason: body.reason }) };
        const answer = await unlessGone(job, () => deps.control.steer(workflowId, verb, request));
        return { status: 200, body: controlled(answer) };
      },
    });

  return [
    route({
      method: 'POST',
      path: '/jobs',
      summary: 'Starts a full scan, or joins the one of the same source that runs with the same settings.',
      role: 'operator',
      idempotent: true,
      json: requests.startJobBody,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'connector_not_found',
        'folder_scans_off',
        'filter_invalid',
        'scan_running',
        'job_cancelling',
        'idempotency_mismatch',
        'ledger_unavailable',
        'scanner_not_named',
        'scanner_unknown',
        'standin_refused',
        'no_worker',
        'temporal_unreachable',
      ],
      handle: async ({ body, actor, request }) => {
        const key = idempotencyKey(request);
        await meetConnector(deps, body.connector);
        const asked = startRequest(deps, body, actor);
        const answer = await startJob(deps, jobs, key === undefined ? asked : keyed(asked, key, body));
        lists.clear();
        return { status: answer.joined || answer.repeated ? 200 : 201, body: answer };
      },
    }),
    route({
      method: 'GET',
      path: '/jobs',
      summary: 'Jobs, newest first; those of a source, in some states, of some kinds.',
      role: 'viewer',
      query: requests.jobsQuery,
      answers: { 200: answers.jobList },
      handle: async ({ query: { limit, after, ...filter } }) => {
        const shown = lists.get(JSON.stringify([limit, after, filter.source, filter.state, filter.kind]), async () => {
          const list = await jobs.list(limit, after, filter);
          // What a source that is back knows is shown at once.
          if (list.degraded !== undefined) queueMicrotask(() => lists.clear());
          return written(list);
        });
        return { status: 200, written: await shown };
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/:job',
      summary: 'A job as it is now.',
      role: 'viewer',
      params: requests.jobParams,
      answers: { 200: answers.jobResource },
      problems: ['job_not_found', 'no_worker'],
      handle: async ({ params }) => ({ status: 200, body: await jobs.get(params.job) }),
    }),
    route({
      method: 'POST',
      path: '/jobs/:job/apply',
      summary: 'Carries out what a dry run planned, on the versions that were judged; or joins the job that does so.',
      role: 'operator',
      idempotent: true,
      params: requests.jobParams,
      json: requests.applyBody,
      optionalBody: true,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'job_not_found',
        'job_running',
        'nothing_planned',
        'idempotency_mismatch',
        'connector_not_found',
        'folder_scans_off',
        'scan_running',
        'no_worker',
        'temporal_unreachable',
        'ledger_unavailable',
      ],
      handle: async ({ params: { job: of }, body, actor, request }) => {
        const key = idempotencyKey(request);
        const answer = await startFollower(deps, jobs, { kind: 'apply', of, actor, key, body }, async (keyed) =>
          startJob(deps, jobs, keyed(await applyRequest(deps, jobs, of, body, actor))),
        );
        return { status: answer.joined || answer.repeated ? 200 : 201, body: answer };
      },
    }),
    control('pause'),
    control('resume'),
    control('cancel'),
    route({
      method: 'POST',
      path: '/jobs/:job/limits',
      summary:
        'Sets or removes limits of a job; what is not named stays. Obeyed in total, over all workers, within seconds.',
      role: 'operator',
      params: requests.jobParams,
      json: requests.limitsBody,
      answers: { 200: answers.controlJobAnswer },
      problems: ['job_not_found', 'job_ended', 'job_cancelling', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { job }, body, actor }) => {
        const { reason, ...limits } = body;
        const workflowId = await jobs.workflowOf(job);
        const request = { job, actor, limits, ...(reason !== undefined && { reason }) };
        const answer = await unlessGone(job, () => deps.control.setLimits(workflowId, request));
        return { status: 200, body: controlled(answer) };
      },
    }),
  ];
}

const CONTROLS: Readonly<Record<ControlVerb, string>> = {
  pause: 'No new item is begun; what is in hand ends or is handed back.',
  resume: 'Goes on where it was.',
  cancel: 'Ends the job with an exact account of what was done.',
};

function controlled(answer: ControlAnswer): ControlJobAnswer {
  const { job, state, idle, limits, done, revision } = answer;
  return {
    job,
    state,
    ...(idle !== undefined && { idle }),
    ...(limits !== undefined && { limits }),
    ...(done !== undefined && { done }),
    revision,
    links: { self: links(job).self },
  };
}

/** A workflow that is gone means a job that has ended. */
async function unlessGone<T>(job: string, steer: () => Promise<T>): Promise<T> {
  try {
    return await steer();
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'not_found') throw error;
    throw new ApiProblem('job_ended', `Job ${job} has ended.`, { cause: error, extra: { job } });
  }
}
