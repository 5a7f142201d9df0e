import type { Server } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { STREAMS_PER_CALLER } from '../../api/around.ts';
import { bucketOf, createRateLimit } from '../../api/auth/rate.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { MAX_HEADERS } from '../../api/guard.ts';
import { serve, stopServing } from '../../api/server.ts';
import { cutSlowReaders } from '../../api/slow-readers.ts';
import { type Api, json, startApi } from './fixture.ts';

const BOOTSTRAP = 'canary-key-0123456789abcdef';
const ADMIN = { authorization: `Bearer ${BOOTSTRAP}` };
let open: Api;
beforeAll(async () => {
  open = await startApi();
});
afterAll(() => open.stop());
const more: Api[] = [];
afterEach(async () => {
  for (const one of more.splice(0)) await one.stop();
});
async function keyed(requestsPerSecond?: number): Promise<Api> {
  const made = await startApi({
    settings: { key: BOOTSTRAP, ...(requestsPerSecond !== undefined && { requestsPerSecond }) },
  });
  more.push(made);
  return made;
}

/** Writes to a connection until it is closed, as a client would that does not listen, and returns what came back. */
function pour(port: number, head: string, chunk: Buffer, chunks: number): Promise<{ text: string; sent: number }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let sent = 0;
    const write = (): void => {
      while (sent < chunks && !socket.destroyed) {
        sent += 1;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('drain', write).on('error', () => undefined);
    socket.on('close', () => resolve({ text, sent }));
    socket.write(head);
    write();
  });
}

const MEBIBYTE = Buffer.alloc(2 ** 20, ' ');
const BIG = [
  ['announced', `Content-Length: ${2 ** 30}`, MEBIBYTE],
  [
    'in chunks',
    'Transfer-Encoding: chunked',
    Buffer.concat([Buffer.from('100000\r\n'), MEBIBYTE, Buffer.from('\r\n')]),
  ],
] as const;
function headOf(length: string): string {
  const host = `Host: 127.0.0.1:${open.port}`;
  return `POST ${API_PREFIX}/jobs HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;
}

test.each(BIG)(
  'a client that begins a JSON body of 1 GiB, %s, is told that it is too large',
  async (_, length, chunk) => {
    const { text } = await pour(open.port, headOf(length), chunk, 3);
    expect(text).toMatch(/^HTTP\/1.1 413 [\s\S]*"body_too_large"/);
  },
);

// Who goes on writing may be cut off before the answer is read: that is how TCP closes on unread data.
test.each(BIG)(
  'a client that sends all of it, %s, is cut off early, and nothing of it is kept',
  async (_, length, chunk) => {
    const before = process.memoryUsage().arrayBuffers;
    const { sent } = await pour(open.port, headOf(length), chunk, 1_024);
    expect(sent).toBeLessThan(100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 2 ** 20);
  },
);

test('100,000 headers are refused', async () => {
  const lines = Buffer.from('a: b\r\n'.repeat(1_000));
  const { text } = await pour(open.port, `GET ${API_PREFIX}/healthz HTTP/1.1\r\n`, lines, 100);
  expect(text).toMatch(/^HTTP\/1.1 431 /);
  expect(text).toContain('"headers_too_large"');
});

test('more headers than are taken are refused, however small, and none is left out unseen', async () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, '1']));
  const answer = await open.ask('/version', { headers: many(MAX_HEADERS) });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([431, 'headers_too_large']);
  expect((await open.ask('/version', { headers: many(MAX_HEADERS - 20) })).status).toBe(200);
});

test('a head that comes too slowly is cut off, with an answer, while others are served', async () => {
  const { server, port } = await serve((_, response) => response.end('served'), {
    host: '127.0.0.1',
    port: 0,
    headersMs: 300,
  });
  try {
    const slow = Promise.all(
      Array.from({ length: 50 }, () => pour(port, 'GET / HTTP/1.1\r\nHost: x\r\n', Buffer.from('X'), 1)),
    );
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('served');
    for (const { text } of await slow) {
      expect(text).toMatch(/^HTTP\/1.1 408 /);
      expect(text).toContain('"request_timeout"');
    }
  } finally {
    await stopServing(server, 100);
  }
});

test('a client that asks and does not read the answer is cut off, and others are served', async () => {
  const app = express();
  app.use(cutSlowReaders(300));
  app.use((request, response) => void response.end(request.path === '/large' ? Buffer.alloc(24 * 2 ** 20) : 'served'));
  const { server, port } = await serve(app, { host: '127.0.0.1', port: 0 });
  const clients = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').pause());
  try {
    const cut = clients.map((client) => {
      client.on('error', () => undefined).write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
      return new Promise((resolve) => client.once('close', resolve));
    });
    await expect.poll(() => connectionsOf(server)).toBe(clients.length);
    expect(await (await fetch(`http://127.0.0.1:${port}/small`)).text()).toBe('served');
    await expect.poll(async () => (await connectionsOf(server)) < clients.length, { timeout: 15_000 }).toBe(true);
    for (const client of clients) client.resume();
    await Promise.all(cut);
    // Who reads, however much, is not cut.
    expect((await (await fetch(`http://127.0.0.1:${port}/large`)).arrayBuffer()).byteLength).toBe(24 * 2 ** 20);
  } finally {
    for (const client of clients) client.destroy();
    await stopServing(server, 100);
  }
});

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

test('what is no HTTP gets a problem too', async () => {
  const { text } = await pour(open.port, 'nonsense\r\n\r\n', Buffer.alloc(0), 0);
  expect(text).toMatch(/^HTTP\/1.1 400 [\s\S]*"bad_request"/);
});

test('who sends no HTTP and keeps his side open is cut off all the same', async () => {
  const { server, port } = await serve(() => undefined, { host: '127.0.0.1', port: 0 });
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  try {
    client.write('nonsense\r\n\r\n');
    await new Promise((resolve) => client.resume().once('end', resolve));
    expect(await connectionsOf(server)).toBe(1);
    await expect.poll(() => connectionsOf(server), { timeout: 5_000 }).toBe(0);
  } finally {
    client.destroy();
    await stopServing(server, 100);
  }
});

test('a key that asks too often is told when to come back, and others are served', async () => {
  const api = await keyed(5);
  const made = await api.ask('/keys', json({ name: 'busy', role: 'viewer' }, ADMIN));
  const busy = { authorization: `Bearer ${((await made.json()) as { key: string }).key}` };
  const answers = [];
  for (let at = 0; at < 20; at++) answers.push(await api.ask('/version', { headers: busy }));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(((await answer.json()) as { code: string }).code).toBe('too_many_requests');
  }
  expect((await api.ask('/version', { headers: ADMIN })).status).toBe(200);
  expect((await api.ask('/healthz')).status).toBe(200);
});

test('who guesses keys is slowed down, and takes nothing from those who have one', async () => {
  const api = await keyed(1_000);
  const states = [];
  for (let at = 0; at < 60; at++) {
    states.push((await api.ask('/version', { headers: { authorization: `Bearer guess-${at}` } })).status);
  }
  expect(new Set(states)).toEqual(new Set([401, 429]));
  expect((await api.ask('/version', { headers: ADMIN })).status).toBe(200);
});

test('without a limit in its settings, and without a key, nobody is counted', async () => {
  for (let at = 0; at < 300; at++) expect((await open.ask('/healthz')).status).toBe(200);
});

test('a caller holds so many event streams at once, and a closed one counts no more', async () => {
  const api = await keyed();
  const started = await api.ask('/jobs', json({ connector: 'share' }, ADMIN));
  const { job } = (await started.json()) as { job: string };
  const leave = new AbortController();
  const stream = (signal?: AbortSignal) =>
    api.ask(`/jobs/${job}/events`, { headers: ADMIN, ...(signal && { signal }) });
  // An answer that nobody holds is closed when memory is collected.
  const held = await Promise.all(Array.from({ length: STREAMS_PER_CALLER }, () => stream(leave.signal)));
  expect(new Set(held.map(({ status }) => status))).toEqual(new Set([200]));
  const refused = await stream();
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([429, 'too_many_requests']);
  expect(held).toHaveLength(STREAMS_PER_CALLER);
  leave.abort();
  const again = new AbortController();
  await expect.poll(async () => (await stream(again.signal)).status, { timeout: 5_000 }).toBe(200);
  again.abort();
}, 30_000);

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
])('who comes without a key from %j shares the bucket %s', (address, bucket) => {
  expect(bucketOf(address)).toBe(bucket);
});

test('a bucket gives its burst, then its rate, and forgets whoever was not seen for long', () => {
  let now = 0;
  const limit = createRateLimit(10, 20, () => now);
  const taken = () => {
    let count = 0;
    while (limit.take('a') === 0) count += 1;
    return count;
  };
  expect(taken()).toBe(20);
  expect(limit.take('a')).toBeCloseTo(100);
  expect(limit.take('b')).toBe(0);
  now += 500;
  expect(taken()).toBe(5);
  now += 60_000;
  expect(taken()).toBe(20);
  for (let at = 0; at < 10_001; at++) limit.take(`other-${at}`);
  expect(taken()).toBe(20);
});
