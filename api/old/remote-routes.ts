import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type RemoteEntry, type RemoteModel, remoteId } from '../../domain/remote.ts';
import { IntakeError } from '../../intake/intake.ts';
import { TargetError } from '../../net/errors.ts';
import { API_PREFIX } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { type Call, type Reply, type Route, route } from '../route.ts';
import { createBodies, OldRefusal, parsedBody } from './old-body.ts';
import { createOwnJobs } from './own-jobs.ts';
import { pushTasks } from './push-task.ts';
import type { RemoteDeps } from './remote-deps.ts';
import { uuidOf } from './remote-door.ts';
import {
  batchModel,
  type ConnectorModel,
  connectorModel,
  detail,
  enqueueDoneModel,
  MOST_PART,
  type ScanRequestModel,
  scanRequestModel,
  statusResponse,
} from './remote-schemas.ts';
import { taskRoute } from './task-route.ts';

const uuidParams = z.object({ uuid: z.string().max(64) });
const stateParams = z.object({ uuid: z.string().max(64), ns: z.string().max(1_024), key: z.string().max(4_096) });
const jobParams = z.object({ job: z.string().max(200) });
const anyQuery = z.record(z.string(), z.unknown());
const refusals = { 401: detail, 403: detail, 404: detail, 422: detail, 503: detail };

/** What remote connectors call, as the former product's know it: bodies of any content type, errors as `{"detail": …}`. */
export function remoteRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const bodies = createBodies();
  const own = createOwnJobs(deps, jobs);

  const remote = (): RemoteDeps => {
    if (deps.remote === undefined) throw new ApiProblem('not_found', 'This API has no remote connectors.');
    return deps.remote;
  };

  /** A handler with the raw body; what it refuses is answered in the old shape. */
  const withBody =
    <P>(handle: (call: Call<P, never, never>, body: Buffer) => Promise<Reply>) =>
    async (call: Call<P, never, never>): Promise<Reply> => {
      try {
        return await bodies.with(call.request, (body) => handle(call, body));
      } catch (error) {
        if (error instanceof OldRefusal) return error.reply;
        throw error;
      }
    };

  const signed = <P extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    summary: string,
    params: P | undefined,
    answers: Route['answers'],
    handle: (call: Call<z.output<P>, never, never>, body: Buffer) => Promise<Reply>,
  ): Route =>
    route({
      method,
      path,
      summary,
      role: 'signed',
      old: true,
      ...(params !== undefined && { params }),
      query: anyQuery,
      rawBody: true,
      answers: { ...answers, ...refusals },
      problems: ['body_too_large', 'ledger_unavailable'],
      handle: withBody(handle) as never,
    });

  /** Whose the pushed items are: whoever signed, or says so where nobody signs. An address that it names is never asked. */
  async function pusher(owner: string | undefined, request: ScanRequestModel): Promise<RemoteEntry> {
    const { remotes } = remote();
    const named = request.connector?.uuid;
    const said = named === null || named === undefined ? undefined : remoteId(named);
    if (owner !== undefined && said !== undefined && said !== owner) throw new OldRefusal(403, 'foreign_connector');
    const uuid = owner ?? said;
    const byUrl = uuid === undefined && typeof request.connector_url === 'string';
    const entry = byUrl
      ? await remotes.byUrl(request.connector_url as string)
      : uuid === undefined
        ? undefined
        : await remotes.get(uuid);
    if (entry === undefined) throw new OldRefusal(404, 'connector_not_registered');
    return entry;
  }

  /** Takes items of one connector, each to the scan that it belongs to, as tasks of so many; or tells the cancelled job that one is of. */
  async function push(
    entry: RemoteEntry,
    requests: readonly ScanRequestModel[],
    size = 1,
  ): Promise<{ readonly tasks: readonly string[] } | { readonly cancelled: string }> {
    const { pushes } = remote();
    const live: ScanRequestModel[] = [];
    const ofScan: ScanRequestModel[] = [];
    for (const request of requests) {
      const job = await own.of(request.scan_job_id);
      if (job?.uuid !== entry.uuid) live.push(request);
      else if (job.cancelled) return { cancelled: request.scan_job_id ?? '' };
      else ofScan.push(request);
    }
    const tasks: string[] = [];
    for (const [part, isOfScan] of [[ofScan, true] as const, [live, false] as const]) {
      if (part.length === 0) continue;
      tasks.push(...pushTasks(entry.uuid, isOfScan, await pushes.take(entry, part, isOfScan), size));
    }
    return { tasks };
  }

  const register = withBody<undefined>(async ({ request }, body) => {
    const { door, remotes } = remote();
    door.enrol(request);
    const model = parsedBody(connectorModel, body);
    const uuid = model.uuid === null || model.uuid === undefined ? randomUUID() : uuidOf(model.uuid);
    try {
      const known = await remotes.get(uuid);
      const { isNew, key, entry } = await remotes.register(
        uuid,
        modelOf(model),
        model.status,
        request.socket.remoteAddress,
      );
      if (known !== undefined && model.status === 'starting') await deps.control.restarted(uuid);
      const { name, url } = entry.model;
      return {
        status: isNew ? 201 : 200,
        body: {
          status: 'success',
          message: isNew ? 'registered' : 'refreshed',
          description: `${name} (${uuid}) @ ${url}`,
          connector_uuid: uuid,
          ...(key !== undefined && { hmac_key_id: key.id, hmac_secret: key.secret }),
        },
      };
    } catch (error) {
      if (error instanceof TargetError) throw new OldRefusal(422, `url: ${error.message}`);
      throw error;
    }
  });

  return [
    route({
      method: 'POST',
      path: '/connectors/register',
      summary: 'A remote connector registers, and says every minute that it is there.',
      role: 'signed',
      old: true,
      query: anyQuery,
      rawBody: true,
      answers: { 200: statusResponse, 201: statusResponse, ...refusals },
      problems: ['body_too_large', 'ledger_unavailable'],
      handle: register as never,
    }),
    signed(
      'DELETE',
      '/connectors/unregister/:uuid',
      'A remote connector leaves. Its keys count no more.',
      uuidParams,
      { 204: z.undefined() },
      async ({ params, request, response }, body) => {
        const { door, remotes } = remote();
        const uuid = uuidOf(params.uuid);
        await door.signer(request, body, uuid);
        await remotes.leave(uuid);
        response.writeHead(204).end();
        return undefined;
      },
    ),
    signed(
      'PUT',
      '/connectors/state/:uuid/:ns/:key',
      'A remote connector keeps a value of its own here.',
      stateParams,
      { 204: z.undefined() },
      async ({ params, request, response }, body) => {
        const uuid = uuidOf(params.uuid);
        await remote().door.signer(request, body, uuid);
        await (await deps.ledger.open()).remoteState.put(uuid, params.ns, params.key, body);
        response.writeHead(204).end();
        return undefined;
      },
    ),
    signed(
      'GET',
      '/connectors/state/:uuid/:ns/:key',
      'The value that a remote connector kept here; null when there is none.',
      stateParams,
      { 200: z.object({ value: z.string().nullable() }) },
      async ({ params, request }, body) => {
        const uuid = uuidOf(params.uuid);
        await remote().door.signer(request, body, uuid);
        const value = await (await deps.ledger.open()).remoteState.get(uuid, params.ns, params.key);
        return { status: 200, body: { value: value?.toString('utf8') ?? null } };
      },
    ),
    signed(
      'POST',
      '/scan/auth_check',
      'Tells a remote connector whether its signature is good.',
      undefined,
      { 200: statusResponse },
      async ({ request }, body) => {
        await remote().door.signer(request, body);
        return { status: 200, body: success('auth_ok', 'HMAC verified') };
      },
    ),
    signed(
      'POST',
      '/scan/request',
      'A remote connector pushes an item. Answered once it is written down and handed to its scan.',
      undefined,
      { 202: statusResponse, 409: statusResponse },
      async ({ request, response }, body) => {
        const owner = await remote().door.signer(request, body);
        const item = parsedBody(scanRequestModel, body);
        const entry = await pusher(owner, item);
        try {
          const pushed = await push(entry, [item]);
          if ('cancelled' in pushed) {
            return { status: 409, body: failure('Job paused/cancelled', `scan_job_id=${pushed.cancelled}`) };
          }
          const [task = ''] = pushed.tasks;
          response.setHeader('Location', `${API_PREFIX}/scan/request/${task}`);
          const queued = `Scan task queued for connector: ${entry.model.url}`;
          return { status: 202, body: success(`Scan task ID: ${task}`, queued) };
        } catch (error) {
          if (!(error instanceof IntakeError)) throw error;
          return { status: 503, body: failure('Not taken; send it again', error.code) };
        }
      },
    ),
    signed(
      'POST',
      '/scan/request_batch',
      'A remote connector pushes items. Answered once all are written down and handed to their scan.',
      undefined,
      { 202: statusResponse },
      async ({ request }, body) => {
        const owner = await remote().door.signer(request, body);
        const { requests, batch_size } = parsedBody(batchModel, body);
        const size = Math.min(Math.max(1, batch_size), MOST_PART);
        const batch = (tasks: readonly string[], status: object) => ({
          status: 202,
          body: { ...status, task_ids: tasks, queued_items: tasks.length > 0 ? requests.length : 0, batch_size: size },
        });
        const [first] = requests;
        if (first === undefined) return batch([], failure('No scan requests', 'the list is empty'));
        const entry = await pusher(owner, first);
        for (const other of requests) {
          const said = other.connector?.uuid;
          if (typeof said === 'string' && remoteId(said) !== entry.uuid) throw new OldRefusal(403, 'foreign_connector');
        }
        try {
          const pushed = await push(entry, requests, size);
          if ('cancelled' in pushed) {
            return batch([], failure('Job paused/cancelled', `scan_job_id=${pushed.cancelled}`));
          }
          return batch(pushed.tasks, success('Scan requests queued', `connector: ${entry.model.url}`));
        } catch (error) {
          if (!(error instanceof IntakeError)) throw error;
          // Former connectors take 202 with nothing queued for success.
          return { status: 503, body: failure('Not taken; send it again', error.code) };
        }
      },
    ),
    signed(
      'POST',
      '/scan/jobs/:job/enqueue_done',
      'A remote connector says that it has pushed all of a scan.',
      jobParams,
      { 200: statusResponse },
      async ({ params: { job }, request }, body) => {
        const owner = await remote().door.signer(request, body);
        const said = body.length === 0 ? {} : parsedBody(enqueueDoneModel, body);
        const found = await own.of(job);
        if (found === undefined) return { status: 200, body: failure('No such job', `scan_job_id=${job}`) };
        if (owner !== undefined && owner !== found.uuid) throw new OldRefusal(403, 'foreign_connector');
        const total = 'enqueued_total' in said ? said.enqueued_total : undefined;
        await deps.control.allPushed(found.uuid, { job, ...(total !== undefined && { total }) });
        return { status: 200, body: success('enqueue_done', `scan_job_id=${job}`) };
      },
    ),
    taskRoute(deps),
    route({
      method: 'GET',
      path: '/scan/jobs/:job/raw',
      summary:
        'Tells a remote connector whether its job was cancelled. It is never told of a pause, at which it would drop items: they are taken and wait.',
      role: 'none',
      old: true,
      params: jobParams,
      answers: { 200: z.object({ key: z.string(), ttl: z.int(), data: z.record(z.string(), z.string()) }) },
      handle: async ({ params: { job } }) => {
        const found = await own.of(job);
        const data = found === undefined ? {} : { job_id: job, ...(found.cancelled && { cancel: '1' }) };
        const body = { key: `dsxconnect:job:${job}`, ttl: found === undefined ? -2 : 604_800, data };
        return { status: 200, body };
      },
    }),
  ];
}

function success(message: string, description: string) {
  return { status: 'success', message, description, id: null, preview: null };
}

function failure(message: string, description: string) {
  return { status: 'error', message, description, id: null, preview: null };
}

/** What is kept of a registration: nothing that changes with each heartbeat, and no icon. */
function modelOf(model: ConnectorModel): RemoteModel {
  const { name, display_name, meta_info, url, item_action, item_action_move_metainfo, asset, filter } = model;
  return {
    name,
    ...(typeof display_name === 'string' && { display_name }),
    ...(typeof meta_info === 'string' && { meta_info }),
    url: url.replace(/\/+$/, ''),
    item_action,
    item_action_move_metainfo,
    asset,
    ...(typeof model.asset_display_name === 'string' && { asset_display_name: model.asset_display_name }),
    filter,
  };
}
