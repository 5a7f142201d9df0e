import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import { ControlError, type ControlVerb } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { jobParams, MAX_LIMIT } from '../request-schemas.ts';
import type { Route } from '../route.ts';
import { jobHash, jobHashOf } from './job-hash.ts';
import { oldRoute, oldWord } from './old-route.ts';

const done = z.object({ ok: z.literal(true), state: z.string() });
const deleted = z.object({ status: z.literal('success'), deleted_jobs: z.int(), kept_in_ledger: z.literal(true) });
const STORE_DOWN = ['temporal_unreachable', 'ledger_unavailable', 'status_unavailable'] as const;

/** Jobs as the former product's console and scripts ask for them. */
export function oldJobRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const steer = (verb: ControlVerb): Route =>
    oldRoute({
      method: 'POST',
      path: `/scan/jobs/:job/${verb}`,
      summary: `As jobs/:job/${verb}.`,
      role: 'operator',
      params: jobParams,
      answers: { 200: done },
      problems: ['job_not_found', 'job_ended', 'job_cancelling', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { job }, actor }) => {
        const workflow = await jobs.workflowOf(job);
        try {
          const { state } = await deps.control.steer(workflow, verb, { job, actor });
          return { status: 200, body: { ok: true, state } };
        } catch (error) {
          if (!(error instanceof ControlError) || error.code !== 'not_found') throw error;
          throw new ApiProblem('job_ended', `Job ${job} has ended.`, { cause: error, extra: { job } });
        }
      },
    });

  /** The jobs that nobody cleared. @throws ApiProblem with the word `job_store_unavailable` */
  async function shown() {
    return storeUp(async () => {
      const [list, cleared] = await Promise.all([jobs.list(MAX_LIMIT, undefined), clearedJobs(deps)]);
      const kept = list.jobs.filter((job) => !isFinal(job.state) || Date.parse(job.endedAt ?? job.startedAt) > cleared);
      return { jobs: kept, degraded: list.degraded ?? [] };
    });
  }

  return [
    oldRoute({
      method: 'GET',
      path: '/scan/jobs',
      summary: 'Jobs, newest first, as hashes of strings.',
      role: 'viewer',
      answers: { 200: z.array(jobHash) },
      problems: STORE_DOWN,
      handle: async ({ response }) => {
        const list = await shown();
        if (list.degraded.length > 0) response.setHeader('X-Degraded', list.degraded.join(', '));
        return { status: 200, body: list.jobs.map((job) => jobHashOf(job)) };
      },
    }),
    oldRoute({
      method: 'DELETE',
      path: '/scan/jobs',
      summary: 'Shows the jobs that have ended no longer on the old routes. The ledger keeps them.',
      role: 'admin',
      answers: { 200: deleted },
      problems: [...STORE_DOWN, 'ledger_full'],
      handle: async () => {
        const ended = (await shown()).jobs.filter(({ state }) => isFinal(state));
        const { cleared } = await deps.ledger.open();
        const now = Date.now();
        await Promise.all([cleared.add('jobs', undefined, now), cleared.add('results', undefined, now)]);
        return { status: 200, body: { status: 'success', deleted_jobs: ended.length, kept_in_ledger: true } };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/scan/jobs/:job',
      summary: 'A job as a hash of strings.',
      role: 'viewer',
      params: jobParams,
      answers: { 200: jobHash },
      problems: ['job_not_found', 'no_worker', ...STORE_DOWN],
      handle: async ({ params }) => ({
        status: 200,
        body: jobHashOf(await storeUp(() => jobs.get(params.job))),
      }),
    }),
    steer('pause'),
    steer('resume'),
    steer('cancel'),
  ];
}

/** Jobs that ended until then are no longer shown. Where the ledger can't be read, all are. */
async function clearedJobs(deps: ApiDeps): Promise<number> {
  try {
    return (await (await deps.ledger.open()).cleared.read('jobs')).all;
  } catch (error) {
    if (error instanceof LedgerError) return 0;
    throw error;
  }
}

/** @throws ApiProblem with the word `job_store_unavailable` when nobody who knows jobs can be asked */
export async function storeUp<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LedgerError) throw down('ledger_unavailable', error);
    if (error instanceof StatusUnavailable) throw down('status_unavailable', error);
    if (error instanceof ControlError && error.code === 'temporal_unreachable') throw down(error.code, error);
    throw error;
  }
}

function down(code: (typeof STORE_DOWN)[number], cause: Error): ApiProblem {
  return oldWord(code, 'job_store_unavailable', cause.message);
}
