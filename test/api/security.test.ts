import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes, createApi } from '../../api/app.ts';
import { API_PREFIX } from '../../api/contract.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { type Api, json, startApi } from './fixture.ts';

const KEY = 'canary-key-0123456789abcdef';
/** Every route of the table, as a request that reaches it. */
const ROUTES = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps).map(
  ({ method, path, bodies, role, basic, old }) => ({
    method,
    path: path
      .replace(':job', 'job-1')
      .replace(':id', 'share')
      .replace(':source', 'share')
      .replace(':connector', 'share')
      .replace(':estimate', 'estimate-1')
      .replace(':uuid', 'share')
      .replace(':queue', 'scan_request')
      .replace(':task', 'job-1:0-0:1')
      .replace(':analysis', 'one')
      .replace(':scope', 'one')
      .replace(':preview', 'one')
      .replace(':key', '0123456789abcdef')
      .replace(':file', 'start.js')
      .replace(':ns', 'ns'),
    takesJson: bodies.json !== undefined,
    isOpen: role === 'none',
    isSigned: role === 'signed',
    basic,
    old,
  }),
);
const CASES = ROUTES.map(
  ({ method, path, isOpen, basic, isSigned }) => [method, path, isOpen, basic, isSigned] as const,
);

let open: Api;
let locked: Api;
beforeAll(async () => {
  open = await startApi();
  locked = await startApi({ settings: { key: KEY, loopback: false } });
});
afterAll(async () => {
  await open.stop();
  await locked.stop();
});

/** A request whose headers are exactly these (fetch sets Host by itself). */
function raw(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path: `${API_PREFIX}${path}`, headers, setHost: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          const code = text.startsWith('{') ? ((JSON.parse(text) as { code?: string }).code ?? '') : '';
          resolve({ status: response.statusCode ?? 0, code });
        });
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

test('the table has the routes that clients were promised', () => {
  // Those of the former product are listed in old/contract.test.ts.
  const newer = ROUTES.filter(({ old }) => !old);
  expect(newer.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    [
      'DELETE /connectors/share',
      'POST /connectors',
      'POST /connectors/share/key/rotate',
      'PUT /connectors/share',
      'DELETE /connectors/share/estimate/estimate-1',
      'DELETE /folders/estimate/estimate-1',
      'DELETE /schedules/share',
      'DELETE /keys/0123456789abcdef',
      'GET /audit',
      'GET /docs',
      'GET /docs/start.js',
      'GET /events',
      'GET /findings',
      'GET /keys',
      'GET /openapi.json',
      'POST /keys',
      'POST /keys/0123456789abcdef/rotate',
      'GET /allowed',
      'GET /approvals',
      'GET /approvals/share',
      'GET /connectors',
      'GET /connectors/share',
      'GET /connectors/share/assets',
      'GET /connectors/share/estimate/estimate-1',
      'GET /connectors/share/preview',
      'GET /folders/estimate/estimate-1',
      'GET /folders/preview',
      'GET /healthz',
      'GET /jobs',
      'GET /jobs/job-1',
      'GET /jobs/job-1/actions',
      'GET /jobs/job-1/events',
      'GET /jobs/job-1/ledger',
      'GET /jobs/job-1/outcomes',
      'GET /quarantine',
      'GET /readyz',
      'GET /schedules',
      'GET /schedules/share',
      'GET /schedules/share/runs',
      'GET /test/dsxa-connection',
      'GET /meta',
      'GET /version',
      'OPTIONS /events/share/share',
      'POST /allowed',
      'POST /approvals/share/approve',
      'POST /approvals/share/reject',
      'POST /connectors/share/check',
      'POST /connectors/share/estimate',
      'POST /connectors/share/watch/pause',
      'POST /connectors/share/watch/resume',
      'POST /connectors/share/watch/sweep',
      'POST /events/share/share',
      'POST /folders/check',
      'POST /folders/estimate',
      'POST /jobs',
      'POST /jobs/job-1/apply',
      'POST /jobs/job-1/cancel',
      'POST /jobs/job-1/limits',
      'POST /jobs/job-1/pause',
      'POST /jobs/job-1/restore',
      'POST /jobs/job-1/resume',
      'POST /jobs/job-1/retry',
      'POST /jobs/rebuild',
      'POST /scan',
      'POST /schedules',
      'POST /schedules/preview',
      'POST /schedules/share/backfill',
      'POST /schedules/share/pause',
      'POST /schedules/share/resume',
      'POST /schedules/share/trigger',
      'POST /test/dsxa-connection',
      'PUT /schedules/share',
    ].sort(),
  );
});

describe.each(CASES)('%s %s', (method, path, isOpen, basic, isSigned) => {
  test.each(['http://evil.example', 'https://127.0.0.1', 'http://localhost:1', 'null', 'file://', ''])(
    'a page of the origin %j is refused',
    async (origin) => {
      const host = `127.0.0.1:${open.port}`;
      expect(await raw(open.port, method, path, { host, origin })).toEqual({ status: 403, code: 'origin_refused' });
    },
  );

  test.each([
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.example:PORT',
    '127.0.0.1:PORT@evil',
    '',
  ])('the host %j is refused on loopback', async (name) => {
    const host = name.replace('PORT', String(open.port));
    expect(await raw(open.port, method, path, { host })).toEqual({ status: 403, code: 'host_refused' });
  });

  test.each([
    undefined,
    'Bearer',
    `Bearer ${KEY}x`,
    `Bearer ${KEY.slice(0, -1)}`,
    `Basic ${KEY}`,
    KEY,
    `Bearer ${KEY} x`,
  ])('the authorization %j is refused', async (authorization) => {
    const headers = authorization === undefined ? undefined : { authorization };
    const response = await locked.ask(path, { method, ...(headers && { headers }) });
    if (isOpen) {
      expect(response.status).toBe(200);
      return;
    }
    if (path.startsWith('/events/')) {
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'webhook_not_found']);
      return;
    }
    if (isSigned) {
      // This API has no remote connectors.
      expect(response.status).toBe(404);
      return;
    }
    expect(response.status).toBe(401);
    const schemes = basic ? 'Basic realm="dsx-connect", charset="UTF-8", Bearer' : 'Bearer';
    expect(response.headers.get('www-authenticate')).toBe(schemes);
    expect(((await response.json()) as { code: string }).code).toBe('unauthorized');
  });

  test('the right key is let in, and every answer is safe to show', async () => {
    const response = await locked.ask(path, { method, headers: { authorization: `Bearer ${KEY}` } });
    expect([401, 403]).not.toContain(response.status);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe(path.startsWith('/subscribe/') ? 'no-cache' : 'no-store');
    expect(response.headers.get('x-powered-by')).toBeNull();
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    await response.body?.cancel();
  });
});

const BODIES = ROUTES.filter(({ takesJson }) => takesJson).map(({ method, path, old }) => [method, path, old] as const);

describe.each(BODIES)('%s %s', (method, path, old) => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    undefined,
  ])('a body of type %j is refused', async (type) => {
    // Former clients send JSON without saying so.
    if (old && type === undefined) return;
    const response = await open.ask(path, {
      method,
      headers: type === undefined ? {} : { 'content-type': type },
      body: Buffer.from('{"connector":"share"}'),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      415,
      'unsupported_media_type',
    ]);
  });

  test('a compressed body is refused', async () => {
    const response = await open.ask(path, { ...json({}, { 'content-encoding': 'gzip' }), method });
    expect(response.status).toBe(415);
  });
});

test.each(['127.0.0.1', 'localhost', 'LOCALHOST'])('pages of our own origin on %s are served', async (name) => {
  const host = `${name}:${open.port}`;
  expect(await raw(open.port, 'GET', '/healthz', { host, origin: `http://${host}` })).toMatchObject({ status: 200 });
});

test('an address that others can reach needs a key, or there is no API', () => {
  expect(() => createApi({ settings: { loopback: false, key: undefined } } as unknown as ApiDeps)).toThrow(/key/);
});

test('an unknown path tells nothing without the key', async () => {
  expect((await locked.ask('/nothing')).status).toBe(401);
  expect((await fetch(`${locked.origin}/`)).status).toBe(401);
});

test('no key, token or body is logged', async () => {
  const headers = { authorization: `Bearer ${KEY}` };
  await locked.ask('/jobs', { ...json({ folder: 'canary-folder' }, headers) });
  await locked.ask('/jobs/job-none', { headers });
  await locked.ask('/version', { headers: { authorization: 'Bearer canary-wrong' } });
  expect(locked.logged.length).toBeGreaterThan(0);
  expect(locked.logged.join('')).not.toMatch(/canary/);
});

test('a head that never ends, or is too large, is cut off', async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(open.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.write(
      `GET ${API_PREFIX}/healthz HTTP/1.1\r\nHost: 127.0.0.1:${open.port}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
  });
  expect(answer).toMatch(/^HTTP\/1.1 431 /);
});
