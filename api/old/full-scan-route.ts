import { z } from 'zod';
import { ControlError } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { problemOf } from '../problem-of.ts';
import { ApiProblem } from '../problems.ts';
import { type Route, route } from '../route.ts';
import { startJob } from '../start-job.ts';
import { startRequest } from '../start-request.ts';
import { OldRefusal } from './old-body.ts';
import { uuidOf } from './remote-door.ts';
import { detail, statusResponse } from './remote-schemas.ts';

const params = z.object({ uuid: z.string().max(64) });
const query = z.object({
  limit: z.string().optional(),
  batch: z.string().optional(),
  batch_size: z.string().optional(),
  job_id: z.string().optional(),
});

/** Starts the scan of a remote connector as the former product's scripts and console do. The job's id is always ours. */
export function fullScanRoute(deps: ApiDeps, jobs: Jobs): Route {
  return route({
    method: 'POST',
    path: '/connectors/full_scan/:uuid',
    summary: 'Starts a full scan of a remote connector, or joins the one that runs. Its id is in the header X-Job-Id.',
    role: 'operator',
    params,
    query,
    rawBody: true,
    answers: { 202: statusResponse, 404: detail, 422: detail, 502: detail },
    problems: ['scan_running', 'no_worker', 'temporal_unreachable'],
    handle: async ({ params: { uuid: text }, query: asked, actor, response }) => {
      try {
        const uuid = uuidOf(text);
        if (asked.limit !== undefined) throw new OldRefusal(422, 'limit: a full scan has none here');
        if ((await deps.remote?.remotes.get(uuid)) === undefined) throw new OldRefusal(404, 'connector_not_found');
        const { job } = await startJob(deps, jobs, startRequest(deps, { connector: uuid }, actor));
        response.setHeader('X-Job-Id', job);
        const description = `The connector is asked for a full scan. job_id=${job}`;
        const body = { status: 'success', message: 'Full scan initiated', description, id: null, preview: null };
        return { status: 202, body };
      } catch (error) {
        if (error instanceof OldRefusal) return error.reply;
        if (!(error instanceof ApiProblem || error instanceof ControlError)) throw error;
        const { status, code, message } = problemOf(error);
        return { status, body: { detail: `${code}: ${message}` } };
      }
    },
  });
}
