import { z } from 'zod';
import type { StartRequest } from '../../workflows/messages.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { isJobId } from '../request-schemas.ts';
import type { Route } from '../route.ts';
import { startJob } from '../start-job.ts';
import { startRequest } from '../start-request.ts';
import { firstItems, oldJobId } from './connector-routes.ts';
import { named } from './known-connectors.ts';
import { oldRoute, statusResponse, toldAs, wholeNumber } from './old-route.ts';

/** Most items of a scan with a limit. Without one there is no bound. */
const MOST_ITEMS = 1_000;
/** Told to connectors that listed for themselves; read, and of no use to ours. */
const flag = z.enum(['true', 'false', 'True', 'False', '1', '0']);

/** `POST connectors/full_scan/:uuid` for the connectors of the configuration. */
export function fullScanRoute(deps: ApiDeps, jobs: Jobs): Route {
  return oldRoute({
    method: 'POST',
    path: '/connectors/full_scan/:uuid',
    summary: 'Starts a full scan, or joins the one that runs; with `limit` only of the first items.',
    role: 'operator',
    params: z.strictObject({ uuid: z.string() }),
    query: z.object({
      limit: wholeNumber(1, MOST_ITEMS).optional(),
      batch: flag.optional(),
      batch_size: wholeNumber(1, 1_000_000).optional(),
      job_id: z.string().refine(isJobId, 'must be a job id').optional(),
    }),
    answers: { 202: statusResponse.extend({ job_id: z.string(), joined: z.boolean() }) },
    problems: [
      'connector_not_found',
      'filter_invalid',
      'scan_running',
      'job_cancelling',
      'idempotency_mismatch',
      'scanner_not_named',
      'scanner_unknown',
      'standin_refused',
      'storage_failed',
      'ledger_unavailable',
      'ledger_full',
      'no_worker',
      'temporal_unreachable',
    ],
    handle: async ({ params: { uuid }, query, actor, response }) => {
      const connector = await named(deps, uuid);
      if (connector.kind === 'remote' && query.limit !== undefined) {
        throw new ApiProblem('request_invalid', 'limit: a scan of a remote connector has none: it lists for itself.');
      }
      const job = query.job_id ?? oldJobId();
      if (query.job_id !== undefined) await refuseUsed(deps, job);
      const request = { ...startRequest(deps, { connector: connector.id }, actor), job };
      const started =
        query.limit === undefined
          ? await startJob(deps, jobs, request)
          : { job: await startSome(deps, jobs, request, query.limit), joined: false };
      response.setHeader('X-Job-Id', started.job);
      const description = `${connector.id} (${uuid}) job_id=${started.job}`;
      const told = toldAs('success', started.joined ? 'Full scan joined' : 'Full scan initiated', { description });
      return { status: 202, body: { ...told, job_id: started.job, joined: started.joined } };
    },
  });
}

/** Scans the first items of the listing, and no others. */
async function startSome(deps: ApiDeps, jobs: Jobs, request: StartRequest, limit: number): Promise<string> {
  const items = await firstItems(deps, request.source.id, limit);
  const ledger = (await deps.ledger.open()).job(request.job);
  const refs = items.map(({ location, locationBytes }) => ({
    location,
    ...(locationBytes !== undefined && { locationBytes }),
  }));
  await deps.control.startRequested({ ...request, kind: 'requested', intake: await ledger.writeIntake(refs) });
  jobs.remember(request.job, `requested-scan:${request.job}`);
  return request.job;
}

/** An id names one job for good. @throws ApiProblem `idempotency_mismatch` */
async function refuseUsed(deps: ApiDeps, job: string): Promise<void> {
  const used = (await (await deps.ledger.open()).job(job).header()) !== undefined;
  if (used) throw new ApiProblem('idempotency_mismatch', `There is a job ${job} already.`, { extra: { job } });
}
