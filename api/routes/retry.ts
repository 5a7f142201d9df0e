import * as answers from '../answer-schemas.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import * as requests from '../request-schemas.ts';
import { retryRequest } from '../retry-request.ts';
import { type Route, route } from '../route.ts';
import { startJob } from './jobs.ts';

export function retryRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/jobs/:job/retry',
      summary: 'Scans again what a job that has ended could not judge, or joins the equal retry that runs.',
      params: requests.jobParams,
      json: requests.retryJobBody,
      optionalBody: true,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'job_not_found',
        'job_not_ended',
        'nothing_to_retry',
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
      handle: async ({ params: { job }, body, actor }) => {
        const answer = await startJob(deps, jobs, await retryRequest(deps, jobs, job, body, actor));
        return { status: answer.joined ? 200 : 201, body: answer };
      },
    }),
  ];
}
