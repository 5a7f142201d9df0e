import type { z } from 'zod';
import { pageActions } from '../../ledger/actions.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import { pageOutcomes } from '../../ledger/outcomes.ts';
import type { ControlJobAnswer, StartJobAnswer } from '../contract.ts';
import { API_PREFIX } from '../contract.ts';
import { ControlError, type ControlVerb, workflowIdOf } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import { createEventSource } from '../event-source.ts';
import { EVENT_STREAM, MAX_STREAMS, streamEvents } from '../event-stream.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { type Route, route } from '../route.ts';
import * as schema from '../schemas.ts';
import { startRequest } from '../start-request.ts';

export function jobRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  let streams = 0;

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
      params: schema.jobParams,
      json: schema.controlBody,
      optionalBody: true,
      answers: { 200: schema.controlJobAnswer },
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
      json: schema.startJobBody,
      answers: { 201: schema.startJobAnswer, 200: schema.startJobAnswer },
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
      query: schema.jobsQuery,
      answers: { 200: schema.jobList },
      handle: async ({ query }) => ({ status: 200, body: await jobs.list(query.limit, query.after) }),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job',
      summary: 'A job as it is now.',
      params: schema.jobParams,
      answers: { 200: schema.jobResource },
      problems: ['job_not_found', 'no_worker'],
      handle: async ({ params }) => ({ status: 200, body: await jobs.get(params.job) }),
    }),
    control('pause'),
    control('resume'),
    control('cancel'),
    route({
      method: 'GET',
      path: '/jobs/:job/outcomes',
      summary: 'Outcome rows of closed pages, in the order of the items.',
      params: schema.jobParams,
      query: schema.outcomesQuery,
      answers: { 200: schema.outcomePage },
      problems: ['job_not_found', 'ledger_unavailable'],
      handle: ({ params, query }) => rows(jobs, params.job, (ledger) => pageOutcomes(ledger, defined(query))),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job/actions',
      summary: 'The item actions: for each finding its latest row.',
      params: schema.jobParams,
      query: schema.actionsQuery,
      answers: { 200: schema.actionPage },
      problems: ['job_not_found', 'ledger_unavailable'],
      handle: ({ params, query }) => rows(jobs, params.job, (ledger) => pageActions(ledger, defined(query))),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job/events',
      summary: 'Progress and findings as they come, until the job has ended (server-sent events).',
      params: schema.jobParams,
      answers: { 200: 'stream' },
      problems: ['job_not_found', 'too_many_streams', 'stopping'],
      handle: async ({ params, request, response }) => {
        if (request.method === 'HEAD') {
          await jobs.get(params.job);
          response.writeHead(200, EVENT_STREAM).end();
          return undefined;
        }
        if (deps.stopping.aborted) throw new ApiProblem('stopping', 'This server is stopping; come back in a moment.');
        if (streams >= MAX_STREAMS)
          throw new ApiProblem('too_many_streams', `${MAX_STREAMS} event streams are open already.`);
        const given = request.headers['last-event-id'];
        const source = createEventSource(
          deps,
          jobs,
          params.job,
          typeof given === 'string' && given !== '' ? given : undefined,
        );
        streams += 1;
        try {
          await streamEvents(response, source, deps.stopping);
        } finally {
          streams -= 1;
        }
        return undefined;
      },
    }),
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

/** A page of rows of a job that has a ledger; one that was started but wrote nothing yet has none. */
async function rows(
  jobs: Jobs,
  job: string,
  read: (ledger: JobLedger) => Promise<{ rows: readonly unknown[]; next?: string }>,
) {
  const ledger = await jobs.ledgerOf(job);
  try {
    if ((await ledger.header()) === undefined) await jobs.get(job);
    return { status: 200, body: await read(ledger) };
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'corrupt') {
      const detail = `${error.message} "dsx ledger verify ${job}" tells more.`;
      throw new ApiProblem('ledger_unavailable', detail, { cause: error, extra: { reason: error.code } });
    }
    throw error;
  }
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function defined<T extends z.output<typeof schema.outcomesQuery> | z.output<typeof schema.actionsQuery>>(
  query: T,
): Defined<T> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Defined<T>;
}
