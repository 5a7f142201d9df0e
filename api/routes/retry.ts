import { setTimeout as pause } from 'node:timers/promises';
import type { StartRequest } from '../../workflows/messages.ts';
import * as answers from '../answer-schemas.ts';
import type { RetryJobBody, StartJobAnswer } from '../contract.ts';
import { ControlError } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotencyKey } from '../idempotency.ts';
import type { Jobs } from '../jobs.ts';
import * as requests from '../request-schemas.ts';
import { retryRequest } from '../retry-request.ts';
import { type Route, route } from '../route.ts';
import { startFollower } from '../start-follower.ts';
import { startJob } from '../start-job.ts';

export function retryRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/jobs/:job/retry',
      summary: 'Scans again what a job that has ended could not judge, or joins the equal retry that runs.',
      role: 'operator',
      idempotent: true,
      params: requests.jobParams,
      json: requests.retryJobBody,
      optionalBody: true,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'job_not_found',
        'job_not_ended',
        'nothing_to_retry',
        'too_many_retries',
        'idempotency_mismatch',
        'connector_not_found',
        'folder_scans_off',
        'scan_running',
        'job_cancelling',
        'scanner_not_named',
        'scanner_unknown',
        'standin_refused',
        'no_worker',
        'temporal_unreachable',
        'ledger_unavailable',
      ],
      handle: async ({ params: { job: of }, body, actor, request }) => {
        const answer = await startRetry(deps, jobs, { of, body, actor, key: idempotencyKey(request) });
        return { status: answer.joined || answer.repeated ? 200 : 201, body: answer };
      },
    }),
  ];
}

/** Starts a retry of a job, or joins the equal one. @throws ApiProblem, ControlError, LedgerError */
export function startRetry(
  deps: ApiDeps,
  jobs: Jobs,
  asked: { readonly of: string; readonly body: RetryJobBody; readonly actor: string; readonly key: string | undefined },
): Promise<StartJobAnswer> {
  const { of, body, actor, key } = asked;
  return startFollower(deps, jobs, { kind: 'retry', of, actor, key, body }, (keyed) =>
    startBehind(deps, jobs, async () => keyed(await retryRequest(deps, jobs, of, body, actor))),
  );
}

/** A retry that has its account is gone from Temporal a moment later: so often, and after so many ms, the start is tried again. */
const TRIES = 50;
const PAUSE_MS = 100;

/** Starts a retry, or joins the equal one. One that has ended is neither joined nor in the way: what it left is looked at anew. */
async function startBehind(deps: ApiDeps, jobs: Jobs, asked: () => Promise<StartRequest>): Promise<StartJobAnswer> {
  for (let left = TRIES; ; left--) {
    const request = await asked();
    try {
      const answer = await startJob(deps, jobs, request);
      if (!answer.joined || answer.repeated || left <= 1 || !(await ended(jobs, answer.job))) return answer;
    } catch (error) {
      const running = error instanceof ControlError && error.code === 'scan_running' ? error.job : undefined;
      if (running === undefined || left <= 1 || !(await ended(jobs, running))) throw error;
    }
    await pause(PAUSE_MS);
  }
}

async function ended(jobs: Jobs, job: string): Promise<boolean> {
  return (await (await jobs.ledgerOf(job)).head())?.body.account !== undefined;
}
