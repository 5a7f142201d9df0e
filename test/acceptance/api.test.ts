import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_PREFIX } from '../../api/contract.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { sha256 } from './corpus.ts';
import { dsx, TestStack, tempFolder } from './support.ts';

const KEY = 'a-key-for-the-acceptance-tests';
const base = tempFolder('api');
const stack = new TestStack(base.path);
const data = path.join(base.path, 'data');
let origin: string;

beforeAll(async () => {
  writeFiles(data, { 'a.txt': 'harmless', 'bad.com': EICAR, 'line\nbreak.txt': 'odd' });
  mkdirSync(stack.home, { mode: 0o700 });
  writeFileSync(
    path.join(stack.home, 'dsx-connect.yaml'),
    `connectors:\n  - id: share\n    kind: filesystem\n    asset: ${data}\n`,
  );
  const up = await stack.dsx(['up'], { env: { API_PORT: '0' } });
  if (up.code !== 0) throw new Error(up.stderr);
  origin = (await stack.status()).api ?? '';
});
afterAll(() => stack.remove());

/** The status of a request with these headers, which `fetch` would not send. */
function statusWith(
  method: string,
  route: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${API_PREFIX}${route}`, { method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, code: (JSON.parse(text) as { code: string }).code }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

describe('smoke', () => {
  test('Redis and API are up', async () => {
    const { up, problems, parts } = await stack.status();
    expect({ up, problems }).toEqual({ up: true, problems: [] });
    expect(parts.map(({ name, condition }) => `${name} ${condition}`)).toContain('valkey up');
    expect((await stack.api('/healthz')).status).toBe(200);
    const ready = await stack.api('/readyz');
    expect(ready.status).toBe(200);
    const { checks } = (await ready.json()) as { checks: { name: string; state: string }[] };
    expect(checks.filter(({ name }) => name === 'redis' || name === 'temporal').map(({ state }) => state)).toEqual([
      'ok',
      'ok',
    ]);
  });

  test.each([
    ['a clean body', 'harmless', 'clean'],
    ['EICAR', EICAR, 'malicious'],
    ['an empty body', '', 'clean'],
  ])('%s posted to the scan endpoint: 200 with its outcome', async (_, text, outcome) => {
    const answer = await stack.api('/scan?scanner=standin', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: text,
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      outcome,
      sha256: sha256(Buffer.from(text)),
      size: text.length,
      standIn: true,
    });
  });

  test('a body without a scanner named: refused, as there is none', async () => {
    const answer = await stack.api('/scan', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'x',
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([409, 'scanner_not_named']);
  });
});

describe('POST scan of named items', () => {
  test('waits as long as asked for the outcomes', async () => {
    const items = ['a.txt', 'bad.com', 'line\nbreak.txt', 'gone.txt'].map((location) => ({ location }));
    const { status, body } = await stack.post('/scan', {
      connector: 'share',
      scanner: 'standin',
      items,
      waitSeconds: 30,
    });
    expect(status).toBe(200);
    expect(body.rows).toHaveLength(4);
    const outcomes = (body.rows as { location: string; outcome: string }[]).map((row) => [row.location, row.outcome]);
    expect(Object.fromEntries(outcomes)).toEqual({
      'a.txt': 'clean',
      'bad.com': 'malicious',
      'line\nbreak.txt': 'clean',
      'gone.txt': 'vanished',
    });
    expect((await stack.dsx(['ledger', 'verify', String(body.job)])).code).toBe(0);
  });

  test('answers with the job when it is not to wait', async () => {
    const body = { connector: 'share', scanner: 'standin', items: [{ location: 'a.txt' }] };
    const answer = await stack.post('/scan', body);
    expect(answer.status).toBe(202);
    expect((await stack.dsx(['watch', String(answer.body.job), '--json'])).code).toBe(0);
  });

  test('never leaves the connector', async () => {
    const items = [{ location: '../home/dsx-connect.yaml' }];
    const { status, body } = await stack.post('/scan', {
      connector: 'share',
      scanner: 'standin',
      items,
      waitSeconds: 30,
    });
    const outcomes = ((body.rows ?? []) as { outcome: string }[]).map(({ outcome }) => outcome);
    expect(status >= 400 || outcomes.every((outcome) => outcome === 'failed' || outcome === 'vanished')).toBe(true);
  });
});

describe('who may ask', () => {
  test('a foreign Origin is refused, whatever is asked', async () => {
    for (const [method, route] of [
      ['GET', '/jobs'],
      ['POST', '/jobs'],
      ['GET', '/healthz'],
    ] as const) {
      const headers = { origin: 'https://evil.example', 'content-type': 'application/json' };
      expect(await statusWith(method, route, headers)).toEqual({ status: 403, code: 'origin_refused' });
    }
  });

  test('a foreign Host is refused on loopback', async () => {
    expect(await statusWith('GET', '/jobs', { host: 'evil.example' })).toEqual({ status: 403, code: 'host_refused' });
  });

  test('a filter that does not parse is answered with its column', async () => {
    const { status, body } = await stack.post('/jobs', { connector: 'share', scanner: 'standin', filter: 'a "b' });
    expect([status, body.code, body.column]).toEqual([400, 'filter_invalid', 3]);
  });
});

test('`up` refuses to start twice; on 0.0.0.0 with a key only who has it may ask', async () => {
  const again = await stack.dsx(['up'], { env: { API_PORT: '0' } });
  expect(again.code).toBe(5);
  expect((await stack.dsx(['down'])).code).toBe(0);
  const file = path.join(base.path, 'key');
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
  const open = new TestStack(path.join(base.path, 'open'));
  const env = { DSX_HOME: open.home, API_HOST: '0.0.0.0', API_PORT: '0', DSXCONNECT_API_KEY_FILE: file };
  try {
    const up = await dsx(['up'], { env });
    expect(up.stderr + up.stdout).not.toContain(KEY);
    expect(up.code).toBe(0);
    expect((await open.api('/healthz')).status).toBe(200);
    expect((await open.api('/jobs')).status).toBe(401);
    expect((await open.api('/jobs', { headers: { authorization: 'Bearer another-key-of-somebody' } })).status).toBe(
      401,
    );
    expect((await open.api('/jobs', { headers: { authorization: `Bearer ${KEY}` } })).status).toBe(200);
    const listed = await open.dsx(['jobs'], { env });
    expect(listed.code).toBe(0);
  } finally {
    await open.remove();
  }
});
