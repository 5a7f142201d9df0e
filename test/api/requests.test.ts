import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../../api/contract.ts';
import { PROBLEMS, type ProblemCode } from '../../api/problems.ts';
import { type Api, json, startApi } from './fixture.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

async function problem(path: string, init?: RequestInit): Promise<Problem> {
  const response = await api.ask(path, init);
  const body = (await response.json()) as Problem;
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(body.status).toBe(response.status);
  expect(body.status).toBe(PROBLEMS[body.code as ProblemCode].status);
  expect(body.type).toBe(`urn:dsx-connect:problem:${body.code}`);
  return body;
}

describe('what can not be understood', () => {
  test.each([
    ['/nothing', 'not_found'],
    ['/jobs/job-1/nothing', 'not_found'],
    ['/JOBS', 'not_found'],
    ['/jobs/%ff', 'bad_request'],
    ['/jobs/%E0%A4%A', 'bad_request'],
    ['/jobs/job-none', 'job_not_found'],
    ['/jobs/job-none/outcomes', 'job_not_found'],
    ['/jobs/job-none/actions', 'job_not_found'],
    ['/jobs/job-none/events', 'job_not_found'],
    ['/jobs/..%2f..%2fetc', 'job_not_found'],
    ['/jobs/a%22%20OR%20DsxJob%20!%3D%20%22', 'job_not_found'],
    [`/jobs/${'a'.repeat(300)}`, 'job_not_found'],
    ['/connectors/none', 'connector_not_found'],
    ['/jobs?limit=0', 'request_invalid'],
    ['/jobs?limit=1001', 'request_invalid'],
    ['/jobs?limit=1e2', 'request_invalid'],
    ['/jobs?limit=', 'request_invalid'],
    ['/jobs?limit=5&limit=6', 'request_invalid'],
    ['/jobs?lmit=5', 'request_invalid'],
    ['/jobs?after=a/b', 'request_invalid'],
    ['/jobs/job-1/outcomes?outcome=evil', 'request_invalid'],
    ['/jobs/job-1/actions?state=evil', 'request_invalid'],
    ['/test/dsxa-connection?scanner=none', 'scanner_unknown'],
  ])('GET %s is %s', async (path, code) => {
    expect((await problem(path)).code).toBe(code);
  });

  test.each([
    ['DELETE', '/jobs', 'GET, HEAD, POST'],
    ['PUT', '/jobs/job-1', 'GET, HEAD'],
    ['OPTIONS', '/scan', 'POST'],
    ['GET', '/jobs/job-1/pause', 'POST'],
  ])('%s %s is not allowed, and what is is named', async (method, path, allow) => {
    const response = await api.ask(path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });

  test.each([
    ['{"folder": /x}', 1, 12],
    ['{\n  "folder": "/x",\n}', 3, 1],
    ['{"folder": "/x"', 1, 16],
    ['{"folder": "/x', 1, 12],
    ['{"a": 01}', 1, 7],
    ['[1,]', 1, 4],
    ['{"a": [1, 2}', 1, 12],
    ["{'a': 1}", 1, 2],
    ['{"a": undefined}', 1, 7],
    ['', 1, 1],
    ['{"a":"ä"} x', 1, 11],
  ])('the body %j is refused with the place', async (body, line, column) => {
    const found = await problem('/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(found).toMatchObject({ code: 'json_invalid', line, column });
  });

  test('a body that is not UTF-8 is refused', async () => {
    const body = Buffer.concat([Buffer.from('{"folder":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const found = await problem('/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(found.code).toBe('json_invalid');
  });

  test.each([
    [{}, 'connector'],
    [{ connector: 'share', folder: '/x' }, 'connector'],
    [{ folder: 'x' }, 'folder'],
    [{ folder: '/x/../y' }, 'folder'],
    [{ folder: '/x/' }, 'folder'],
    [{ folder: '/x\0y' }, 'folder'],
    [{ folder: '/x', action: 'destroy' }, 'action'],
    [{ folder: '/x', dryRun: 'yes' }, 'dryRun'],
    [{ folder: '/x', maxSize: 0 }, 'maxSize'],
    [{ folder: '/x', maxSize: 1.5 }, 'maxSize'],
    [{ folder: '/x', weight: 0 }, 'weight'],
    [{ folder: '/x', weight: 101 }, 'weight'],
    [{ folder: '/x', rescanAfter: 60 }, 'rescanAfter'],
    [{ folder: '/x', incremental: true, rescanAfter: 0 }, 'rescanAfter'],
    [{ folder: '/x', incremental: 'yes' }, 'incremental'],
    [{ folder: '/x', quarantine: 'q' }, 'quarantine'],
    [{ folder: '/x', quarantine: '/x' }, 'quarantine'],
    [{ folder: '/x/y', quarantine: '/x' }, 'quarantine'],
    [{ folder: '/x', quarantine: '/' }, 'quarantine'],
    [{ connector: 'plant-2', action: 'move' }, 'quarantine'],
    [{ folder: '/x', nonsense: 1 }, 'body'],
    [JSON.parse('{"folder":"/x","__proto__":{"action":"delete"}}'), 'body'],
    [[], 'body'],
    [null, 'body'],
    ['/x', 'body'],
  ])('the job %j is refused for its field %s', async (body, field) => {
    const found = await problem('/jobs', json(body));
    expect(found.code).toBe('request_invalid');
    expect((found.errors as { field: string }[]).map((error) => error.field)).toContain(field);
    expect(api.control.running.size).toBe(0);
  });

  test('a filter that does not parse is refused with its column', async () => {
    const found = await problem('/jobs', json({ folder: '/x', filter: '"abc' }));
    expect(found).toMatchObject({ code: 'filter_invalid' });
    expect(found.column).toBeTypeOf('number');
  });

  test('a body above the limit is refused, announced or not, and the client gets to read it', async () => {
    const big = JSON.stringify({ folder: `/${'x'.repeat(3_000_000)}` });
    expect(
      (await problem('/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: big })).code,
    ).toBe('body_too_large');
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 3; i += 1) controller.enqueue(Buffer.alloc(1_000_000, 32));
        controller.close();
      },
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: chunks, duplex: 'half' };
    expect((await problem('/jobs', init as RequestInit)).code).toBe('body_too_large');
  });

  test('HEAD answers as GET does, without a body', async () => {
    const response = await api.ask('/version', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

describe('what goes wrong inside', () => {
  test('an error nobody foresaw tells nothing to the client and everything to the log', async () => {
    const { check } = api.control;
    api.control.check = () => Promise.reject(new Error('secret-detail'));
    try {
      const found = await problem('/connectors/share/check', { method: 'POST' });
      expect(found.code).toBe('internal');
      expect(JSON.stringify(found)).not.toContain('secret-detail');
      expect(api.logged.join('')).toContain('secret-detail');
    } finally {
      api.control.check = check;
    }
  });

  test('a ledger that can not be opened is a problem of its own, and of readiness', async () => {
    const broken = await startApi({ ledgerPlace: '/dev/null/ledger', status: 'none' });
    try {
      const response = await broken.ask('/jobs');
      expect([response.status, ((await response.json()) as Problem).code]).toEqual([503, 'ledger_unavailable']);
      const ready = await broken.client().readyz();
      expect(ready.ready).toBe(false);
      expect(ready.checks.find(({ name }) => name === 'ledger')?.state).toBe('problem');
    } finally {
      await broken.stop();
    }
  });
});
