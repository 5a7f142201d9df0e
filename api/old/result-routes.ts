import { z } from 'zod';
import { latestActions } from '../../ledger/newest-rows.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { isJobId, jobParams } from '../request-schemas.ts';
import type { Route } from '../route.ts';
import { oldRoute, wholeNumber } from './old-route.ts';
import { MOST_RESULTS, recentResults } from './recent-results.ts';
import { isResult, resultOf, type ScanResult, scanResult } from './results.ts';
import { scanStats, statsOf } from './stats.ts';
import { rowsOfTask } from './task-rows.ts';

/** What clients asked for without a limit. */
const DEFAULT_RESULTS = 200;
/** Any number was accepted; more than are kept are never answered. */
const limit = wholeNumber(0, Number.MAX_SAFE_INTEGER).default(DEFAULT_RESULTS);
const problems = ['ledger_unavailable'] as const;

/** Results as the former product's console asks for them: made from the rows of the ledger. */
export function oldResultRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    oldRoute({
      method: 'GET',
      path: '/scan/results',
      summary: `The newest results, newest first, at most ${MOST_RESULTS}.`,
      role: 'viewer',
      query: z.object({ limit, job_id: z.string().optional() }),
      answers: { 200: z.array(scanResult) },
      problems,
      handle: async ({ query }) => ({
        status: 200,
        body: await recentResults(deps, { limit: Math.min(query.limit, MOST_RESULTS), job: query.job_id }),
      }),
    }),
    oldRoute({
      method: 'DELETE',
      path: '/scan/results',
      summary: 'Shows the results of a job, or of all, no longer on the old routes. The ledger keeps them.',
      role: 'admin',
      query: z.object({ job_id: z.string().optional() }),
      answers: {
        200: z.object({ status: z.literal('success'), job_id: z.string(), kept_in_ledger: z.literal(true) }),
      },
      problems: [...problems, 'job_not_found', 'ledger_full'],
      handle: async ({ query: { job_id: job } }) => {
        if (job !== undefined && !isJobId(job)) throw new ApiProblem('job_not_found', 'There is no such job.');
        await (await deps.ledger.open()).cleared.add('results', job, Date.now());
        return { status: 200, body: { status: 'success', job_id: job ?? 'all', kept_in_ledger: true } };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/scan/results/job/:job',
      summary: `The newest results of a job, at most ${MOST_RESULTS}; none of a job that is not there.`,
      role: 'viewer',
      params: jobParams,
      answers: { 200: z.array(scanResult) },
      problems,
      handle: async ({ params: { job } }) => ({
        status: 200,
        body: await recentResults(deps, { limit: MOST_RESULTS, job }),
      }),
    }),
    oldRoute({
      method: 'GET',
      path: '/scan/results/:task',
      summary: 'The result of a task: one or none; of a part of a batch one for each item that has one.',
      role: 'viewer',
      params: z.strictObject({ task: z.string() }),
      answers: { 200: z.array(scanResult) },
      problems,
      handle: async ({ params: { task } }) => ({ status: 200, body: await resultsOfTask(deps, task) }),
    }),
    oldRoute({
      method: 'GET',
      path: '/scan/stats',
      summary: 'Sums over the newest jobs and results.',
      role: 'viewer',
      answers: { 200: scanStats },
      problems: [...problems, 'temporal_unreachable', 'status_unavailable'],
      handle: async () => ({ status: 200, body: await statsOf(deps, jobs) }),
    }),
  ];
}

/** Of each item of the task that has a result. */
async function resultsOfTask(deps: ApiDeps, task: string): Promise<ScanResult[]> {
  const ledger = await deps.ledger.open();
  const rows = (await rowsOfTask(ledger, task))?.rows.filter(({ row }) => isResult(row)) ?? [];
  if (rows.length === 0) return [];
  const cleared = await ledger.cleared.read('results');
  const results: ScanResult[] = [];
  for (const { header, row } of rows) {
    if (Date.parse(row.at) <= cleared.of(header.job)) continue;
    const job = ledger.job(header.job);
    const actions = await latestActions(job, [row]);
    const ended = (await job.head())?.body.account !== undefined;
    results.push(resultOf({ ...header, ended }, row, actions.get(row.item), deps.settings.connectors));
  }
  return results;
}
