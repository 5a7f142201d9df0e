import { pageActions } from '../../ledger/actions.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import { pageOutcomes } from '../../ledger/outcomes.ts';
import { actionPage, outcomePage } from '../answer-schemas.ts';
import type { ApiDeps } from '../deps.ts';
import { createEventSource } from '../event-source.ts';
import { EVENT_STREAM, lastEventId, streamEvents } from '../event-stream.ts';
import { withFields } from '../fields.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { actionsQuery, jobParams, outcomesQuery } from '../request-schemas.ts';
import { type Route, route } from '../route.ts';
import type { SharedLooks } from '../shared-looks.ts';

/** What is read of a job item by item: its rows, and its events. */
export function jobRowRoutes(deps: ApiDeps, jobs: Jobs, looks: SharedLooks): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/jobs/:job/outcomes',
      summary: 'Outcome rows of closed pages, in the order of the items.',
      role: 'viewer',
      params: jobParams,
      query: outcomesQuery,
      answers: { 200: outcomePage },
      problems: ['job_not_found', 'ledger_unavailable'],
      handle: ({ params, query: { fields, ...query } }) =>
        rows(jobs, params.job, fields, (ledger) => pageOutcomes(ledger, defined(query))),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job/actions',
      summary: 'The item actions: for each finding its latest row.',
      role: 'viewer',
      params: jobParams,
      query: actionsQuery,
      answers: { 200: actionPage },
      problems: ['job_not_found', 'ledger_unavailable'],
      handle: ({ params, query: { fields, ...query } }) =>
        rows(jobs, params.job, fields, (ledger) => pageActions(ledger, defined(query))),
    }),
    route({
      method: 'GET',
      path: '/jobs/:job/events',
      summary: 'Progress and findings as they come, until the job has ended (server-sent events).',
      role: 'viewer',
      params: jobParams,
      answers: { 200: 'stream' },
      problems: ['job_not_found', 'too_many_streams', 'stopping'],
      handle: async ({ params, request, response }) => {
        if (request.method === 'HEAD') {
          await jobs.get(params.job);
          response.writeHead(200, EVENT_STREAM).end();
          return undefined;
        }
        if (deps.stopping.aborted) throw new ApiProblem('stopping', 'This server is stopping; come back in a moment.');
        const source = createEventSource(deps, jobs, looks, params.job, lastEventId(request));
        await streamEvents(response, source, deps.stopping);
        return undefined;
      },
    }),
  ];
}

/** A page of rows of a job that has a ledger; one that was started but wrote nothing yet has none. */
async function rows(
  jobs: Jobs,
  job: string,
  fields: readonly string[] | undefined,
  read: (ledger: JobLedger) => Promise<{ rows: readonly object[]; next?: string }>,
) {
  const ledger = await jobs.ledgerOf(job);
  try {
    if ((await ledger.header()) === undefined) await jobs.get(job);
    const page = await read(ledger);
    return { status: 200, body: { ...page, rows: withFields(page.rows, fields) } };
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'corrupt') {
      const detail = `${error.message} "dsx ledger verify ${job}" tells more.`;
      throw new ApiProblem('ledger_unavailable', detail, { cause: error, extra: { reason: error.code } });
    }
    throw error;
  }
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function defined<T extends object>(query: T): Defined<T> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Defined<T>;
}
