import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../../api/app.ts';
import { API_PREFIX } from '../../../api/contract.ts';
import type { ApiDeps } from '../../../api/deps.ts';
import { connectorUuid } from '../../../api/old/identity.ts';
import { statusKeys } from '../../../status/redis-status.ts';
import { QUEUE, siteQueue } from '../../../workflows/messages.ts';
import { buildJob } from '../../ledger/fixture.ts';
import { sampleProgress, sampleRow } from '../../support/samples.ts';
import { type Api, CONNECTORS, startApi } from '../fixture.ts';
import { frames } from './frames.ts';

/**
 * What clients of the former product rely on, and what others have come to rely on since. Nothing here may be taken away or renamed:
 * answers may only gain members.
 */

const SHARE = connectorUuid('share');
const SHOWN = {
  app_env: 'dev',
  scanner: { base_url: 'http://dsxa', scan_binary_url: 'http://dsxa/scan/binary/v2', auth_token: '**********' },
  workers: { scan_request_batch_enabled: true, scan_request_batch_default_size: 100, scan_request_batch_max_size: 100 },
};
let api: Api;
let locked: Api;
beforeAll(async () => {
  api = await startApi({ settings: { shown: SHOWN, builtAt: '2026-11-23T10:00:00.000Z' } });
  locked = await startApi({ settings: { key: 'canary-key-0123456789abcdef', loopback: false, shown: SHOWN } });
  const ledger = await api.ledger.open();
  await buildJob(ledger.job('job-old'), {
    pages: [
      ['clean', 'malicious', 'failed'],
      ['unscannable', 'inconclusive', 'skipped', 'failed'],
    ],
    settings: { action: 'move' },
  });
});
afterAll(async () => {
  await api.stop();
  await locked.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
  readonly body: any;
}

/** A request as the former clients send it: the headers given, and no others that could help. */
function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port: api.port,
        method,
        path: `${API_PREFIX}/${path}`,
        headers: { Accept: '*/*', ...headers },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          const json = response.headers['content-type']?.includes('json');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: json ? JSON.parse(text) : text,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const keysOf = (value: object): string[] => Object.keys(value);
const MODEL = [
  ...['name', 'display_name', 'display_icon', 'uuid', 'meta_info', 'url', 'status', 'item_action'],
  ...['item_action_move_metainfo', 'asset', 'asset_display_name', 'filter', 'last_repo_check_ts'],
  ...['last_repo_check_reason', 'last_repo_check_message'],
];
const STATUS = ['status', 'message', 'description', 'id', 'preview'];

test('the routes that former clients were promised are all there', () => {
  const table = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
  expect(table.map(({ method, path }) => `${method} ${path.slice(1)}`)).toEqual(
    expect.arrayContaining([
      'GET config',
      'PUT config',
      'POST config',
      'GET meta',
      'GET version',
      'GET healthz',
      'GET readyz',
      'GET test/connection',
      'GET test/dsxa-connection',
      'GET subscribe/scan-result',
      'GET subscribe/job-summary/:job',
      'GET subscribe/connector-registered',
      'POST scan/request',
      'POST scan/request_batch',
      'POST scan/auth_check',
      'GET scan/request/:task',
      'GET scan/jobs/:job/raw',
      'POST scan/jobs/:job/enqueue_done',
      'POST connectors/register',
      'DELETE connectors/unregister/:uuid',
      'PUT connectors/state/:uuid/:ns/:key',
      'GET connectors/state/:uuid/:ns/:key',
      'GET scan/results',
      'DELETE scan/results',
      'GET scan/results/job/:job',
      'GET scan/results/:task',
      'GET scan/stats',
      'GET scan/jobs',
      'DELETE scan/jobs',
      'GET scan/jobs/:job',
      'POST scan/jobs/:job/pause',
      'POST scan/jobs/:job/resume',
      'POST scan/jobs/:job/cancel',
      'GET connectors/list',
      'GET connectors/auth_check/:uuid',
      'POST connectors/full_scan/:uuid',
      'GET connectors/repo_check/:uuid',
      'GET connectors/estimate/:uuid',
      'GET connectors/config/:uuid',
      'PUT connectors/config/:uuid',
      'GET connectors/healthz/:uuid',
      'GET connectors/readyz/:uuid',
      'POST connectors/token',
      'POST dianna/analyze/:uuid',
      'POST dianna/analyze-from-siem',
      'GET dianna/result/:analysis',
      'GET dianna/result/by-scan-request/:task',
      'GET dianna/result/by-task/:task',
      'GET admin/dead-letter/stats',
      'GET admin/dead-letter/stats/:queue',
      'GET admin/dead-letter/items/:queue',
      'POST admin/dead-letter/requeue',
      'POST admin/dead-letter/requeue/:queue',
      'DELETE admin/dead-letter/clear/:queue',
      'DELETE admin/dead-letter/clear',
      'GET admin/dead-letter/health',
    ]),
  );
});

test('task queues and keys in Redis keep their names', () => {
  expect(QUEUE).toEqual({
    orchestrate: 'dsx.orchestrate',
    plan: 'dsx.plan',
    scan: 'dsx.scan',
    onAccess: 'dsx.on-access',
    actions: 'dsx.actions',
    watch: 'dsx.watch',
  });
  expect(siteQueue(QUEUE.scan, 'plant')).toBe('dsx.scan.plant');
  const keys = statusKeys();
  expect([keys.jobs, keys.open, keys.job('j'), keys.workers('j'), keys.live('j', 'w'), keys.findings('j')]).toEqual([
    'dsx:jobs',
    'dsx:open',
    'dsx:job:j',
    'dsx:workers:j',
    'dsx:live:j:w',
    'dsx:findings:j',
  ]);
  expect([keys.seen('j'), keys.watch('c'), keys.watchLive('c'), keys.epoch, keys.rebuild, keys.lock]).toEqual([
    'dsx:seen:j',
    'dsx:watch:c',
    'dsx:watch-live:c',
    'dsx:epoch',
    'dsx:rebuild',
    'dsx:rebuild-lock',
  ]);
});

describe('core', () => {
  test('version is a JSON string, meta has it too', async () => {
    const { body, headers } = await ask('GET', 'version');
    expect([body, headers['content-type']]).toEqual(['1.2.3', 'application/json; charset=utf-8']);
    expect((await ask('GET', 'meta')).body).toMatchObject({
      version: '1.2.3',
      build_timestamp: '2026-11-23T10:00:00.000Z',
    });
  });

  test('healthz and readyz', async () => {
    expect((await ask('GET', 'healthz')).body).toEqual({ status: 'alive' });
    const ready = await ask('GET', 'readyz');
    expect([ready.status, ready.body]).toMatchObject([200, { status: 'ready', redis: 'ok', registry: 'ok' }]);
  });

  test('the connection tests', async () => {
    expect((await ask('GET', 'test/connection')).body).toMatchObject({ status: 'success' });
    const dsxa = await ask('GET', 'test/dsxa-connection');
    expect(dsxa.body).toMatchObject({ status: 'success', message: 'Connected to DSXA', ok: true });
    expect(keysOf(dsxa.body)).toEqual(expect.arrayContaining(STATUS));
    const none = await startApi({ scanners: [] });
    const answer = await none.ask('/test/dsxa-connection');
    expect([answer.status, await answer.json()]).toMatchObject([200, { status: 'error', code: 'scanner_not_named' }]);
    await none.stop();
  });

  test('config: whole with a key or where none is needed, else what connectors need; never a secret', async () => {
    expect((await ask('GET', 'config')).body).toEqual({ ...SHOWN, auth: { enabled: false } });
    const stranger = (await (await locked.ask('/config')).json()) as object;
    expect(stranger).toMatchObject({ workers: SHOWN.workers, auth: { enabled: true } });
    expect(stranger).not.toHaveProperty('scanner');
    const wrong = await locked.ask('/config', { headers: { authorization: 'Bearer canary-wrong' } });
    expect(await wrong.json()).toEqual(stranger);
    const known = await locked.ask('/config', { headers: { authorization: 'Bearer canary-key-0123456789abcdef' } });
    expect(await known.json()).toHaveProperty('scanner');
  });

  test.each(['PUT', 'POST'])('%s config, with no content type', async (method) => {
    const put = (body: object) => ask(method, 'config', JSON.stringify(body));
    expect(await put({})).toMatchObject({ status: 400, body: { detail: 'no_fields_to_update' } });
    const empty = { status: 400, body: { detail: 'scan_binary_url cannot be empty' } };
    expect(await put({ scan_binary_url: ' ' })).toMatchObject(empty);
    expect(await put({ scan_binary_url: 'http://other' })).toMatchObject({
      status: 501,
      body: { detail: 'not_supported' },
    });
    expect(await put({ scan_binary_url: 'http://dsxa/scan/binary/v2' })).toMatchObject({
      status: 200,
      body: {
        scanner: { base_url: 'http://dsxa', scan_binary_url: 'http://dsxa/scan/binary/v2' },
        persistence: { applied: false, detail: 'disabled_by_config' },
      },
    });
  });
});

describe('results and jobs', () => {
  test('results, newest first, with the names of old', async () => {
    const { status, body } = await ask('GET', 'scan/results?limit=1000&unread=1');
    expect(status).toBe(200);
    expect(body.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual([
      'clean',
      'inconclusive',
      'malicious',
      'unscannable',
    ]);
    const found = body.find(({ outcome }: { outcome: string }) => outcome === 'malicious');
    expect(keysOf(found)).toEqual(
      expect.arrayContaining([
        'id',
        'scan_request_task_id',
        'scan_job_id',
        'metadata_tag',
        'scan_request',
        'verdict',
        'item_action',
        'status',
      ]),
    );
    expect(keysOf(found.scan_request)).toEqual(
      expect.arrayContaining([
        'connector',
        'location',
        'metainfo',
        'connector_url',
        'requested_action',
        'size_in_bytes',
        'scan_job_id',
        'job_item_id',
        'scan_source',
      ]),
    );
    expect(keysOf(found.scan_request.connector)).toEqual(expect.arrayContaining(MODEL));
    expect(keysOf(found.verdict)).toEqual(
      expect.arrayContaining([
        'scan_guid',
        'verdict',
        'verdict_details',
        'file_info',
        'protected_entity',
        'scan_duration_in_microseconds',
      ]),
    );
    expect(keysOf(found.item_action)).toEqual([...STATUS, 'item_action']);
    expect(found).toMatchObject({ verdict: { verdict: 'Malicious' }, scan_job_id: 'job-old', metadata_tag: null });
    expect(Number.isSafeInteger(found.id)).toBe(true);
    // The same row has the same id and number whenever it is read.
    expect((await ask('GET', `scan/results/${found.scan_request_task_id}`)).body).toEqual([found]);
    expect((await ask('GET', 'scan/results?limit=1')).body).toHaveLength(1);
    expect((await ask('GET', 'scan/results/job/job-old')).body).toEqual(body);
    for (const none of ['scan/results/nothing', 'scan/results/job/job-none', 'scan/results?job_id=job-none']) {
      expect([none, (await ask('GET', none)).body]).toEqual([none, []]);
    }
  });

  test('tasks', async () => {
    const pending = await ask('GET', 'scan/request/nothing');
    expect(pending.body).toEqual({ task_id: 'nothing', state: 'PENDING', status: 'pending' });
    expect(pending.headers).toMatchObject({ 'retry-after': '2', 'cache-control': 'no-store' });
    const judged = await ask('GET', 'scan/request/job-old:0-0:1');
    expect(judged.body).toMatchObject({
      task_id: 'job-old:0-0:1',
      state: 'SUCCESS',
      status: 'success',
      result: 'SUCCESS',
      items: [{ job: 'job-old', item: '0-0:1', outcome: 'malicious' }],
    });
    expect((await ask('GET', 'scan/request/job-old:0-0:2')).body).toMatchObject({
      state: 'FAILURE',
      status: 'error',
      result: null,
      error: expect.stringMatching(/^failed: /),
    });
  });

  test('stats', async () => {
    const { body } = await ask('GET', 'scan/stats');
    expect(body).toMatchObject({ files_scanned: 4, benign_count: 1, malicious_count: 1, unknown_count: 1 });
    for (const name of ['total_file_size', 'avg_file_size', 'median_file_size_in_bytes', 'longest_scan_time_file']) {
      expect(body).toHaveProperty(name);
    }
  });

  test('jobs are hashes of strings', async () => {
    const { status, body } = await ask('GET', 'scan/jobs');
    expect([status, body.length]).toEqual([200, 1]);
    expect((await ask('GET', 'scan/jobs/job-old')).body).toEqual({ ...body[0], last_update: expect.any(String) });
    for (const value of Object.values(body[0])) expect(typeof value).toBe('string');
    expect(body[0]).toMatchObject({
      job_id: 'job-old',
      status: 'completed',
      processed_count: '7',
      terminal_count: '7',
      succeeded_count: '4',
      failed_count: '2',
      skipped_count: '1',
      cancelled_count: '0',
      enqueued_total: '7',
      enqueue_done: '1',
      progress_pct: '100',
    });
    expect(keysOf(body[0])).toEqual(
      expect.arrayContaining([
        'started_at',
        'finished_at',
        'duration_secs',
        'total_bytes',
        'verdict_benign',
        'verdict_malicious',
      ]),
    );
  });

  test('errors have the shape of old, on old routes alone', async () => {
    const missing = await ask('GET', 'scan/jobs/job-none');
    expect(missing).toMatchObject({ status: 404, body: { detail: 'job_not_found' } });
    expect(missing.headers['content-type']).toBe('application/json; charset=utf-8');
    expect((await ask('GET', 'jobs/job-none')).headers['content-type']).toMatch(/^application\/problem\+json/);
    const invalid = await ask('GET', 'subscribe/job-summary/job-old?interval=1');
    expect(invalid).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', 'interval'] }] } });
    expect((await ask('GET', 'scan/results?limit=x')).body.detail[0]).toHaveProperty('msg');
    expect((await ask('GET', 'admin/dead-letter/stats/nothing')).status).toBe(422);
    expect((await ask('PUT', 'scan/jobs', '{}')).status).toBe(405);
    const refused = await locked.ask('/scan/jobs');
    expect([refused.status, await refused.json()]).toMatchObject([401, { detail: 'unauthorized' }]);
  });

  test('pause, resume and cancel need no body, and make no job of an unknown id', async () => {
    const started = await ask('POST', `connectors/full_scan/${SHARE}?batch=true&batch_size=100`);
    const job = String(started.headers['x-job-id']);
    for (const verb of ['pause', 'resume', 'cancel']) {
      expect((await ask('POST', `scan/jobs/${job}/${verb}`)).body).toMatchObject({ ok: true });
      expect((await ask('POST', `scan/jobs/job-none/${verb}`)).status).toBe(404);
    }
    expect((await ask('GET', `scan/jobs/${job}`)).body).toMatchObject({ cancel: '1', status: 'running' });
    expect((await ask('POST', `scan/jobs/${job}/resume`)).body).toMatchObject({ detail: 'job_cancelling' });
    api.control.running.clear();
    const ended = { status: 409, body: { detail: 'job_ended' } };
    expect(await ask('POST', 'scan/jobs/job-old/pause')).toMatchObject(ended);
  });
});

describe('connectors', () => {
  test('the list, each under a UUID that stays', async () => {
    const { body } = await ask('GET', 'connectors/list');
    expect(body.map(({ name }: { name: string }) => name)).toEqual(CONNECTORS.map(({ id }) => id));
    for (const model of body) expect(keysOf(model)).toEqual(expect.arrayContaining(MODEL));
    expect(SHARE).toBe('94260dc6-5fde-5c42-b8a5-a8b52f53e1d4');
    expect(body[0]).toMatchObject({ uuid: SHARE, item_action: 'move', item_action_move_metainfo: '/srv/q' });
    expect((await ask('GET', `connectors/${SHARE}`)).body).toMatchObject({ id: 'share' });
  });

  test('full_scan names its job in the header and in the text; the same again joins it', async () => {
    const first = await ask('POST', `connectors/full_scan/${SHARE}`);
    expect(first).toMatchObject({ status: 202, body: { status: 'success', id: null, preview: null, joined: false } });
    const [, named] =
      /job_id=([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/.exec(first.body.description) ?? [];
    expect(first.headers['x-job-id']).toBe(named);
    const again = await ask('POST', `connectors/full_scan/${SHARE}?job_id=mine`);
    expect([again.body.joined, again.headers['x-job-id']]).toEqual([true, named]);
    api.control.running.clear();
    const own = await ask('POST', `connectors/full_scan/${SHARE}?job_id=mine`);
    expect(own.headers['x-job-id']).toBe('mine');
    api.control.running.clear();
    const used = await ask('POST', `connectors/full_scan/${SHARE}?job_id=job-old`);
    expect(used).toMatchObject({ status: 422, body: { detail: 'idempotency_mismatch' } });
    expect((await ask('POST', 'connectors/full_scan/none')).status).toBe(404);
    expect((await ask('POST', `connectors/full_scan/${SHARE}?limit=0`)).status).toBe(422);
  });

  test('checks, counts and settings', async () => {
    const check = await ask('GET', `connectors/repo_check/${SHARE}`);
    expect([check.status, keysOf(check.body)]).toEqual([200, STATUS]);
    expect((await ask('GET', `connectors/auth_check/${SHARE}`)).body).toMatchObject({ message: 'auth_ok' });
    expect((await ask('GET', `connectors/healthz/${SHARE}`)).body).toEqual({ ok: true });
    expect(keysOf((await ask('GET', `connectors/readyz/${SHARE}`)).body)).toEqual(expect.arrayContaining(MODEL));
    api.control.report = { ok: false, checks: [{ name: 'list', ok: false, detail: 'no such folder' }] };
    expect((await ask('GET', `connectors/readyz/${SHARE}`)).status).toBe(503);
    expect((await ask('GET', `connectors/repo_check/${SHARE}`)).body).toMatchObject({ status: 'error' });
    expect((await ask('GET', `connectors/auth_check/${SHARE}`)).status).toBe(502);
    expect(keysOf((await ask('GET', `connectors/config/${SHARE}`)).body)).toEqual(expect.arrayContaining(MODEL));
    const put = (body: object) => ask('PUT', `connectors/config/${SHARE}`, JSON.stringify(body));
    expect(await put({})).toMatchObject({ status: 400, body: { detail: 'no_fields_to_update' } });
    expect(await put({ filter: '*.docx' })).toMatchObject({ status: 200 });
    expect(await put({ item_action: 'delete' })).toMatchObject({ status: 501, body: { detail: 'not_supported' } });
    expect(await ask('POST', 'connectors/token')).toMatchObject({ status: 400, body: { detail: 'auth_disabled' } });
  });
});

describe('what failed', () => {
  test('is shown as dead letters, retried by a job, and cleared from the view alone', async () => {
    const { body: stats } = await ask('GET', 'admin/dead-letter/stats');
    expect(stats).toMatchObject({ total_items: 2, active_queues: 1 });
    expect(keysOf(stats.queues)).toEqual(['scan_request', 'verdict_action', 'scan_result']);
    expect(keysOf(stats.queues.scan_request)).toEqual(
      expect.arrayContaining(['queue_name', 'queue_type', 'length', 'ttl_seconds', 'exists', 'sample_items']),
    );
    const { body: items } = await ask('GET', 'admin/dead-letter/items/scan_request?start=1&end=5');
    expect(items).toMatchObject({ total_length: 2, returned_count: 1, start_index: 1, end_index: 5 });
    expect(keysOf(items.items[0])).toEqual(
      expect.arrayContaining([
        'queue',
        'reason',
        'error_details',
        'retry_count',
        'idempotency_key',
        'payload',
        'meta',
        'chain',
      ]),
    );
    expect((await ask('GET', 'admin/dead-letter/items/scan_request?start=5&end=1')).status).toBe(400);
    expect((await ask('POST', 'admin/dead-letter/requeue/scan_request?target_task=rm')).status).toBe(400);
    const { body: requeued } = await ask('POST', 'admin/dead-letter/requeue/scan_request?max_items=100');
    expect(requeued).toMatchObject({ success: true, requeued_count: 2, remaining_count: 0, failed_count: 0 });
    expect(requeued.jobs).toHaveLength(1);
    expect((await ask('GET', 'admin/dead-letter/health')).body).toMatchObject({
      status: 'healthy',
      redis_connected: true,
    });
    const { body: cleared } = await ask('DELETE', 'admin/dead-letter/clear/scan_request');
    expect(cleared).toMatchObject({ success: true, queue_type: 'scan_request', cleared_count: 2 });
    expect((await ask('GET', 'admin/dead-letter/stats/scan_request')).body).toMatchObject({ length: 0, exists: false });
    expect((await ask('DELETE', 'admin/dead-letter/clear')).body).toHaveLength(3);
  });
});

test.each([
  ['POST', 'dianna/analyze/x', 501, 'not_supported'],
  ['GET', 'dianna/result/by-task/x', 501, 'not_supported'],
  ['GET', 'scope-engine/preview', 404, 'scope_engine_preview_disabled'],
  ['POST', 'job-model/preview/full-scan/start', 404, 'job_model_preview_disabled'],
])('%s %s is not there', async (method, path, status, detail) => {
  expect(await ask(method, path, method === 'POST' ? '{}' : undefined)).toMatchObject({ status, body: { detail } });
});

describe('streams', () => {
  test('scan-result: connected, retry, then results and states of jobs', async () => {
    const stream = await frames(api, 'subscribe/scan-result');
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect([stream.headers.get('cache-control'), stream.headers.get('x-accel-buffering')]).toEqual(['no-cache', 'no']);
    expect(await stream.next()).toEqual({ type: 'connected' });
    await api.status?.publishJob(sampleProgress('job-live', { startedAt: new Date().toISOString() }));
    const echo = await stream.next(({ job }) => job?.job_id === 'job-live');
    expect(echo).toMatchObject({ type: 'scan_result', scan_result: { type: 'job_status' } });
    expect(keysOf(echo.job)).toEqual(
      expect.arrayContaining([
        'job_id',
        'status',
        'processed_count',
        'total',
        'succeeded_count',
        'failed_count',
        'cancelled_count',
        'skipped_count',
        'enqueue_done',
        'last_update',
        'duration_secs',
      ]),
    );
    const row = sampleRow('0-0:1', { at: new Date(Date.now() + 1_000).toISOString() });
    await api.status?.publishFindings('job-live', [row]);
    const result = await stream.next(({ scan_result }) => scan_result?.scan_request_task_id === 'job-live:0-0:1');
    expect(result).toMatchObject({ type: 'scan_result', scan_result: { scan_job_id: 'job-live' } });
    expect(result.job).toHaveProperty('time_remaining');
    // No frame has a name or an id: the type is in the JSON.
    expect(stream.text()).not.toMatch(/^(event|id):/m);
    expect(stream.text()).toContain('retry: 5000\n');
    stream.close();
  });

  test('job-summary', async () => {
    const stream = await frames(api, 'subscribe/job-summary/job-old?interval=2');
    expect(await stream.next()).toEqual({ type: 'connected', job_id: 'job-old' });
    const summary = await stream.next();
    expect(summary).toMatchObject({ type: 'job_summary', ts: expect.any(Number), job: { status: 'completed' } });
    expect(keysOf(summary.job)).toEqual(
      expect.arrayContaining(['eta_secs', 'time_remaining', 'processing_window_secs']),
    );
    stream.close();
    const none = await frames(api, 'subscribe/job-summary/job-none');
    await none.next();
    expect(await none.next()).toEqual({ type: 'job_summary', job_id: 'job-none', status: 'not_found' });
    none.close();
  });

  test('connector-registered', async () => {
    const stream = await frames(api, 'subscribe/connector-registered');
    expect(await stream.next()).toEqual({ type: 'connected', message: 'Connector SSE stream started' });
    stream.close();
  });
});

test('a clear is of the view: the ledger and the other routes keep everything', async () => {
  expect((await ask('DELETE', 'scan/results?job_id=job-old')).body).toMatchObject({
    status: 'success',
    job_id: 'job-old',
  });
  expect((await ask('GET', 'scan/results')).body).toEqual([]);
  expect((await ask('DELETE', 'scan/jobs')).body).toMatchObject({ status: 'success', deleted_jobs: 1 });
  const left = (await ask('GET', 'scan/jobs')).body as { job_id: string }[];
  expect(left.map(({ job_id }) => job_id)).not.toContain('job-old');
  expect((await ask('GET', 'jobs/job-old')).status).toBe(200);
  expect((await ask('GET', 'jobs/job-old/outcomes')).body.rows).toHaveLength(7);
  expect((await ask('DELETE', 'scan/results')).body).toMatchObject({ status: 'success', job_id: 'all' });
});
