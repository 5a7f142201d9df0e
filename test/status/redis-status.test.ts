import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { StatusUnavailable } from '../../status/errors.ts';
import { createRedisStatus, type RedisStatusOptions, statusKeys } from '../../status/redis-status.ts';
import { RETENTION_MS, type StatusStore } from '../../status/status.ts';
import { sampleLive, sampleProgress, sampleRow } from '../support/samples.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';
import { statusConformance } from './conformance.ts';

let server: ValkeyServer;
const stores: StatusStore[] = [];
let next = 0;

async function open(url: string, options: RedisStatusOptions = {}): Promise<StatusStore> {
  const store = await createRedisStatus(url, options);
  stores.push(store);
  return store;
}

/** A call that must fail as unavailable: its code, and how long it took in milliseconds. */
async function failure(call: () => Promise<unknown>): Promise<{ code: string; ms: number; message: string }> {
  const from = performance.now();
  try {
    await call();
  } catch (error) {
    if (error instanceof StatusUnavailable)
      return { code: error.code, ms: performance.now() - from, message: error.message };
    throw error;
  }
  throw new Error('it did not fail');
}

beforeAll(async () => {
  server = await startValkey();
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});
afterAll(async () => {
  await server.stop();
});

statusConformance('redis', (options) =>
  open(server.url, { ...options, prefix: `t${next++}`, commandTimeoutMs: 10_000 }),
);

describe('keys', () => {
  test('have the documented names, types and times to live', async () => {
    const raw = createClient({ url: server.url });
    await raw.connect();
    try {
      await raw.flushAll();
      const store = await open(server.url, { commandTimeoutMs: 10_000 });
      const keys = statusKeys();
      await store.publishJob(sampleProgress('job-1'));
      await store.publishLive('job-1', 'w1', sampleLive(1, 1), 5_000);
      await store.publishFindings('job-1', [sampleRow('0-1:0')]);
      await store.noteRebuild({ epoch: await store.epoch(), place: undefined, done: true });
      await store.lock('me', 60_000);
      expect((await raw.keys('*')).sort()).toEqual([
        'dsx:changes',
        'dsx:epoch',
        'dsx:findings:job-1',
        'dsx:job:job-1',
        'dsx:jobs',
        'dsx:live:job-1:w1',
        'dsx:open',
        'dsx:rebuild',
        'dsx:rebuild-lock',
        'dsx:seen:job-1',
        'dsx:workers:job-1',
      ]);
      expect(await raw.pTTL(keys.job('job-1'))).toBe(-1);
      expect(await raw.pTTL(keys.findings('job-1'))).toBe(-1);
      expect(await raw.pTTL(keys.live('job-1', 'w1'))).toBeGreaterThan(0);

      await store.publishJob(sampleProgress('job-1', { revision: 2, state: 'completed' }));
      await store.publishFindings('job-1', [sampleRow('0-1:1')]);
      for (const key of [keys.job('job-1'), keys.findings('job-1'), keys.seen('job-1')]) {
        const left = await raw.pTTL(key);
        expect(left).toBeGreaterThan(RETENTION_MS - 60_000);
        expect(left).toBeLessThanOrEqual(RETENTION_MS);
      }
      expect(await raw.exists([keys.live('job-1', 'w1'), keys.workers('job-1')])).toBe(0);

      const before = await store.epoch();
      await raw.flushAll();
      expect(await store.epoch()).not.toBe(before);
      expect(await store.rebuild()).toBeUndefined();
      expect(await store.noteRebuild({ epoch: before, place: undefined, done: true })).toBe(false);
    } finally {
      raw.destroy();
    }
  });
});

describe('without Redis', () => {
  test('it opens, every call fails at once with a code, and works once Redis is there', async () => {
    const gone = await startValkey();
    await gone.stop('SIGKILL');
    const said: string[] = [];
    const store = await open(`redis://user:hush@127.0.0.1:${gone.port}`, {
      connectTimeoutMs: 50,
      say: (event, detail) => said.push(`${event} ${detail}`),
    });
    for (const call of [
      () => store.ping(),
      () => store.publishJob(sampleProgress('job-1')),
      () => store.publishLive('job-1', 'w', sampleLive(1, 1), 1000),
      () => store.publishFindings('job-1', [sampleRow('0-1:0')]),
      () => store.job('job-1'),
      () => store.jobs(10),
      () => store.findings('job-1', undefined, 10),
    ]) {
      const { code, message } = await failure(call);
      expect(code).toBe('status_down');
      expect(message).toContain(`127.0.0.1:${gone.port}`);
      expect(message).not.toContain('hush');
    }
    await vi.waitFor(() => expect(said.filter((line) => line.startsWith('down'))).toHaveLength(1), { interval: 5 });
    expect(said.join()).not.toContain('hush');
  });

  test('a server that dies and comes back is used again, without a restart', async () => {
    const first = await startValkey();
    const store = await open(first.url);
    await store.publishJob(sampleProgress('job-1', { revision: 3 }));
    await first.stop('SIGKILL');
    await vi.waitFor(async () => expect((await failure(() => store.ping())).code).toBe('status_down'), { interval: 5 });
    expect((await failure(() => store.publishJob(sampleProgress('job-1')))).ms).toBeLessThan(500);
    const second = await startValkey({ port: first.port });
    try {
      await vi.waitFor(() => store.ping(), { timeout: 20_000, interval: 20 });
      expect(await store.job('job-1')).toBeUndefined();
      expect(await store.publishJob(sampleProgress('job-1', { revision: 3 }))).toBe(true);
    } finally {
      await second.stop();
    }
  });

  test('a server that comes back with an older copy of its data is another epoch', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dsx-valkey-'));
    const kept = ['--dir', dir, '--save', '3600 1'];
    const first = await startValkey({ args: kept });
    const store = await open(first.url);
    await store.publishJob(sampleProgress('job-1', { revision: 3 }));
    const before = await store.epoch();
    await first.stop('SIGTERM');
    const second = await startValkey({ port: first.port, args: kept });
    try {
      await vi.waitFor(() => store.ping(), { timeout: 20_000, interval: 20 });
      expect((await store.job('job-1'))?.progress.revision).toBe(3);
      expect(await store.epoch()).not.toBe(before);
    } finally {
      await second.stop();
      rmSync(dir, { recursive: true });
    }
  });

  test('a server that hangs costs the command timeout, no more, and is used again when it wakes', async () => {
    const hung = await startValkey();
    const store = await open(hung.url, { commandTimeoutMs: 150 });
    await vi.waitFor(() => store.ping());
    process.kill(hung.pid, 'SIGSTOP');
    try {
      expect((await failure(() => store.ping())).code).toBe('status_timeout');
      for (let i = 0; i < 3; i += 1) expect((await failure(() => store.ping())).ms).toBeLessThan(2_000);
    } finally {
      process.kill(hung.pid, 'SIGCONT');
    }
    await vi.waitFor(() => store.ping(), { timeout: 20_000, interval: 20 });
    await hung.stop();
  });

  test('a peer that is no Redis, or never speaks, is unavailable', async () => {
    const peers: Server[] = [];
    const listen = async (onSocket: Parameters<typeof createServer>[1]): Promise<string> => {
      const peer = createServer(onSocket);
      peers.push(peer);
      await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
      const address = peer.address();
      return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    };
    const silent = await open(await listen((socket) => socket.on('error', () => {}).resume()), {
      connectTimeoutMs: 50,
    });
    expect((await failure(() => silent.ping())).code).toBe('status_down');
    const web = await open(
      await listen((socket) => {
        socket.on('error', () => {}).resume();
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      }),
      { connectTimeoutMs: 50 },
    );
    expect((await failure(() => web.ping())).code).toBe('status_down');
    for (const store of stores.splice(0)) await store.close();
    for (const peer of peers) await new Promise((resolve) => peer.close(resolve));
  });

  test('a wrong password is unavailable, and is not shown', async () => {
    const locked = await startValkey({ args: ['--requirepass', 'right'] });
    try {
      const said: string[] = [];
      const store = await open(`redis://:wrong-word@127.0.0.1:${locked.port}`, {
        say: (_, detail) => said.push(detail),
      });
      const { code, message } = await failure(() => store.ping());
      expect(code).toBe('status_down');
      expect(message).toMatch(/WRONGPASS/);
      expect(message + said.join()).not.toContain('wrong-word');
      const right = await open(`redis://:right@127.0.0.1:${locked.port}`);
      await right.ping();
    } finally {
      await locked.stop();
    }
  });

  test('a server that refuses to write says so', async () => {
    const full = await startValkey({ args: ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'] });
    try {
      const store = await open(full.url, { commandTimeoutMs: 10_000 });
      const big = sampleProgress('job-1', { gaps: [{ class: 'failed', count: 1, detail: 'x'.repeat(2_000_000) }] });
      await store.publishJob(big).catch(() => undefined);
      expect((await failure(() => store.publishJob({ ...big, revision: 2 }))).code).toBe('status_refused');
    } finally {
      await full.stop();
    }
  });

  test.each(['not a url', 'http://127.0.0.1:6379', 'redis://127.0.0.1:6379/abc', ''])(
    'the address %j is refused at once',
    async (url) => {
      expect((await failure(() => open(url))).code).toBe('status_config');
    },
  );

  test('after close every call fails', async () => {
    const store = await open(server.url);
    await store.close();
    await store.close();
    expect((await failure(() => store.ping())).code).toBe('status_down');
  });
});
