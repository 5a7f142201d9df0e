import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { problemOf } from '../problem-of.ts';
import { ApiProblem } from '../problems.ts';
import type { Route } from '../route.ts';
import { startRetry } from '../routes/retry.ts';
import { deadLetter, failedJobs, lettersOf, QUEUES, type Queue, queueMark, queueName } from './dead-letters.ts';
import { storeUp } from './job-routes.ts';
import { oldRoute, oldWord, wholeNumber } from './old-route.ts';

const params = z.strictObject({ queue: z.enum(QUEUES) });
const oneQueue = z.object({
  queue_name: z.string(),
  queue_type: z.enum(QUEUES),
  length: z.int(),
  ttl_seconds: z.int(),
  exists: z.boolean(),
  sample_items: z.array(deadLetter).optional(),
});
const requeued = z.object({
  success: z.boolean(),
  queue_type: z.enum(QUEUES),
  queue_name: z.string(),
  requeued_count: z.int(),
  remaining_count: z.int(),
  failed_count: z.int(),
  jobs: z.array(z.string()),
});
const clearedQueue = z.object({
  success: z.literal(true),
  queue_type: z.enum(QUEUES),
  queue_name: z.string(),
  cleared_count: z.int(),
});
const problems = ['ledger_unavailable', 'temporal_unreachable', 'status_unavailable'] as const;
/** Items of one requeue, unless it says. */
const DEFAULT_ITEMS = 100;
const MOST_ITEMS = 1_000;
/** As Redis tells the time to live of what has none, and of what is not there. */
const NO_TTL = -1;
const NOT_THERE = -2;

/** Failed items and actions under the names of the queues that they once went to. */
export function deadLetterRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const failedOf = (queue: Queue) => storeUp(() => failedJobs(deps, jobs, queue));

  async function statsOf(queue: Queue, samples: number): Promise<z.output<typeof oneQueue>> {
    const failed = await failedOf(queue);
    const length = failed.reduce((sum, { count }) => sum + count, 0);
    const items = length === 0 ? [] : await lettersOf(deps, queue, failed, { start: 0, end: samples - 1 });
    return {
      queue_name: queueName(deps, queue),
      queue_type: queue,
      length,
      ttl_seconds: length === 0 ? NOT_THERE : NO_TTL,
      exists: length > 0,
      ...(length > 0 && { sample_items: items }),
    };
  }

  /** Each job's failures are retried whole, newest job first, until so many items are on their way. */
  async function requeue(queue: Queue, most: number, actor: string): Promise<z.output<typeof requeued>> {
    const failed = await failedOf(queue);
    let remaining = failed.reduce((sum, { count }) => sum + count, 0);
    let sent = 0;
    let refused = 0;
    const started: string[] = [];
    // An action is not repeated: what stood in its way is to be looked at first.
    for (const { job, count } of queue === 'scan_request' ? failed : []) {
      if (sent >= most) break;
      try {
        const { job: retry } = await startRetry(deps, jobs, { of: job.job, body: {}, actor, key: undefined });
        started.push(retry);
        sent += count;
        remaining -= count;
      } catch (error) {
        const { code, status } = problemOf(error);
        if (status >= 500) throw error;
        deps.log.warn({ job: job.job, code }, 'a dead letter can not be sent again');
        refused += count;
      }
    }
    return {
      success: refused === 0,
      queue_type: queue,
      queue_name: queueName(deps, queue),
      requeued_count: sent,
      remaining_count: remaining,
      failed_count: refused,
      jobs: started,
    };
  }

  async function clear(queue: Queue): Promise<z.output<typeof clearedQueue>> {
    const length = (await failedOf(queue)).reduce((sum, { count }) => sum + count, 0);
    await (await deps.ledger.open()).cleared.add('dead-letter', queueMark(queue), Date.now());
    return { success: true, queue_type: queue, queue_name: queueName(deps, queue), cleared_count: length };
  }

  const retryProblems = [...problems, 'no_worker', 'bad_request'] as const;
  return [
    oldRoute({
      method: 'GET',
      path: '/admin/dead-letter/stats',
      summary: 'How many items and actions failed, by queue.',
      role: 'viewer',
      answers: {
        200: z.object({ total_items: z.int(), active_queues: z.int(), queues: z.record(z.enum(QUEUES), oneQueue) }),
      },
      problems,
      handle: async () => {
        const all = [];
        for (const queue of QUEUES) all.push([queue, await statsOf(queue, 3)] as const);
        const lengths = all.map(([, { length }]) => length);
        const body = {
          total_items: lengths.reduce((sum, length) => sum + length, 0),
          active_queues: lengths.filter((length) => length > 0).length,
          queues: Object.fromEntries(all),
        };
        return { status: 200, body };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/admin/dead-letter/stats/:queue',
      summary: 'The same of one queue.',
      role: 'viewer',
      params,
      answers: { 200: oneQueue },
      problems,
      handle: async ({ params: { queue } }) => ({ status: 200, body: await statsOf(queue, 5) }),
    }),
    oldRoute({
      method: 'GET',
      path: '/admin/dead-letter/items/:queue',
      summary: 'What failed, newest job first.',
      role: 'viewer',
      params,
      query: z.object({
        start: wholeNumber(0, 1_000_000).default(0),
        end: wholeNumber(0, 100).default(10),
      }),
      answers: {
        200: z.object({
          queue_type: z.enum(QUEUES),
          queue_name: z.string(),
          total_length: z.int(),
          returned_count: z.int(),
          start_index: z.int(),
          end_index: z.int(),
          items: z.array(deadLetter),
        }),
      },
      problems: [...problems, 'bad_request'],
      handle: async ({ params: { queue }, query: { start, end } }) => {
        if (end < start) throw oldWord('bad_request', 'end must be >= start', 'The end lies before the start.');
        const failed = await failedOf(queue);
        const items = await lettersOf(deps, queue, failed, { start, end });
        const body = {
          queue_type: queue,
          queue_name: queueName(deps, queue),
          total_length: failed.reduce((sum, { count }) => sum + count, 0),
          returned_count: items.length,
          start_index: start,
          end_index: end,
          items,
        };
        return { status: 200, body };
      },
    }),
    oldRoute({
      method: 'POST',
      path: '/admin/dead-letter/requeue',
      summary: 'Retries what failed, by a retry job for each job.',
      role: 'operator',
      answers: { 200: z.object({ success: z.boolean(), results: z.array(requeued) }) },
      problems: retryProblems,
      handle: async ({ actor }) => {
        const results = [];
        for (const queue of QUEUES) results.push(await requeue(queue, DEFAULT_ITEMS, actor));
        return { status: 200, body: { success: results.every(({ success }) => success), results } };
      },
    }),
    oldRoute({
      method: 'POST',
      path: '/admin/dead-letter/requeue/:queue',
      summary: 'The same of one queue.',
      role: 'operator',
      params,
      query: z.object({
        max_items: wholeNumber(1, MOST_ITEMS).default(DEFAULT_ITEMS),
        target_task: z.string().optional(),
      }),
      answers: { 200: requeued },
      problems: retryProblems,
      handle: async ({ params: { queue }, query, actor }) => {
        if (query.target_task !== undefined && query.target_task !== '') {
          throw new ApiProblem('bad_request', 'There are no tasks that could be named: leave out target_task.');
        }
        return { status: 200, body: await requeue(queue, query.max_items, actor) };
      },
    }),
    oldRoute({
      method: 'DELETE',
      path: '/admin/dead-letter/clear/:queue',
      summary: 'Shows what failed so far no longer here. The ledger keeps it, and it can still be retried by its job.',
      role: 'admin',
      params,
      answers: { 200: clearedQueue },
      problems: [...problems, 'ledger_full'],
      handle: async ({ params: { queue } }) => ({ status: 200, body: await clear(queue) }),
    }),
    oldRoute({
      method: 'DELETE',
      path: '/admin/dead-letter/clear',
      summary: 'The same of all queues.',
      role: 'admin',
      answers: { 200: z.array(clearedQueue) },
      problems: [...problems, 'ledger_full'],
      handle: async () => {
        const all = [];
        for (const queue of QUEUES) all.push(await clear(queue));
        return { status: 200, body: all };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/admin/dead-letter/health',
      summary: 'Whether what failed can be told.',
      role: 'viewer',
      answers: {
        200: z.object({
          status: z.enum(['healthy', 'unhealthy']),
          redis_connected: z.boolean(),
          total_dead_letter_items: z.int(),
          available_queues: z.array(z.string()),
        }),
      },
      handle: async () => ({ status: 200, body: await healthOf() }),
    }),
  ];

  async function healthOf() {
    const redis = await deps.status?.ping().then(
      () => true,
      () => false,
    );
    const queues = { redis_connected: redis ?? false, available_queues: [...QUEUES] };
    try {
      let total = 0;
      for (const queue of QUEUES) for (const { count } of await failedOf(queue)) total += count;
      return { status: 'healthy', total_dead_letter_items: total, ...queues };
    } catch (error) {
      deps.log.warn({ code: problemOf(error).code }, 'dead letters can not be told');
      return { status: 'unhealthy', total_dead_letter_items: 0, ...queues };
    }
  }
}
