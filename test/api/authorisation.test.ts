import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { ROLES, type Role } from '../../domain/role.ts';
import { type Api, json, startApi } from './fixture.ts';

const BOOTSTRAP = 'canary-key-0123456789abcdef';
/** The table without a server: what each line asks for. */
const TABLE = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
const CALLS = TABLE.map(({ method, path, role, basic }) => ({
  method,
  path: path.replaceAll(/:(\w+)/g, 'x-$1'),
  role,
  basic,
}));

let api: Api;
const keys = new Map<Role, string>();
beforeAll(async () => {
  api = await startApi({ settings: { key: BOOTSTRAP, loopback: false } });
  for (const role of ROLES) {
    const answer = await api.ask('/keys', json({ name: `a-${role}`, role }, bearer(BOOTSTRAP)));
    keys.set(role, ((await answer.json()) as { key: string }).key);
  }
});
afterAll(() => api.stop());

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

async function asked(method: string, path: string, headers: Record<string, string>): Promise<[number, string]> {
  const response = await api.ask(path, { method, headers });
  const text = response.headers.get('content-type')?.includes('json') ? await response.text() : '{}';
  await response.body?.cancel().catch(() => undefined);
  return [response.status, (JSON.parse(text) as { code?: string }).code ?? ''];
}

test('only what tells nothing but that the process answers is open, and every line of the table names who may ask', () => {
  expect(CALLS.filter(({ role }) => role === 'none').map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /healthz',
    'GET /scan/jobs/x-job/raw',
    'GET /config',
    'GET /test/connection',
  ]);
  for (const { role } of CALLS) expect([...ROLES, 'none', 'signed']).toContain(role);
});

test('what changes nothing else is for viewers at most where it tells of keys, or makes a storage or scanner work', () => {
  const viewers = TABLE.filter(({ role }) => role === 'viewer');
  for (const { method, basic } of viewers) expect([method, basic]).toEqual(['GET', basic]);
  for (const { method, basic } of TABLE) if (basic) expect(method).toBe('GET');
});

describe.each(CALLS)('$method $path, for $role', ({ method, path, role }) => {
  test.each(ROLES)('asked by %s', async (has) => {
    const may = role === 'none' || role === 'signed' || ROLES.indexOf(has) >= ROLES.indexOf(role);
    const [status, code] = await asked(method, path, bearer(keys.get(has) ?? ''));
    if (may) expect([401, 403]).not.toContain(code === 'folder_scans_off' ? 0 : status);
    else expect([status, code]).toEqual([403, 'forbidden']);
  });

  test('asked by nobody', async () => {
    const [status, code] = await asked(method, path, {});
    if (role === 'none') expect(status).toBe(200);
    // Who is not proven by its own means gets nothing there.
    else if (role === 'signed') expect(status).toBeGreaterThanOrEqual(400);
    else expect([status, code]).toEqual([401, 'unauthorized']);
  });
});

test('who may not, is told so before anything is looked up: what is there and what is not are the same', async () => {
  const started = await api.ask('/jobs', json({ connector: 'share', scanner: 'dsxa' }, bearer(BOOTSTRAP)));
  const { job } = (await started.json()) as { job: string };
  const answers = [];
  for (const id of [job, 'job-none', '%00', 'x'.repeat(300)]) {
    const response = await api.ask(`/jobs/${id}/cancel`, json({}, bearer(keys.get('viewer') ?? '')));
    answers.push([response.status, await response.text()]);
    expect(await asked('GET', `/jobs/${id}`, {})).toEqual([401, 'unauthorized']);
  }
  expect(new Set(answers.map(String)).size).toBe(1);
  expect(api.control.steered).toEqual([]);
});

test('a browser may send the key as password, to the pages alone', async () => {
  const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
  const viewer = keys.get('viewer') ?? '';
  for (const path of ['/docs', '/docs/start.js', '/openapi.json']) {
    expect((await asked('GET', path, { authorization: basic(viewer) }))[0]).toBe(200);
    expect((await asked('GET', path, { authorization: basic(`${viewer}x`) }))[0]).toBe(401);
  }
  expect((await asked('GET', '/jobs', { authorization: basic(viewer) }))[0]).toBe(401);
});

test('on loopback without a key everybody is admin, and a key that is shown all the same is refused', async () => {
  const open = await startApi();
  try {
    expect((await open.ask('/audit')).status).toBe(200);
    expect((await open.ask('/jobs', { headers: bearer('dsx_whatever') })).status).toBe(401);
    const refused = await open.ask('/keys', json({ name: 'one', role: 'viewer' }));
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([409, 'keys_off']);
  } finally {
    await open.stop();
  }
});
