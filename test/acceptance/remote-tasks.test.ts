import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushTaskId } from '../../api/old/push-task.ts';
import { versionOf } from '../../connectors/remote/version.ts';
import { slotOf } from '../../domain/intake.ts';
import { PUSHED_SHARD, type RemoteEntry } from '../../domain/remote.ts';
import { createHandOver, createReceived } from '../../intake/hand-over.ts';
import { createMarks } from '../../intake/marks.ts';
import { remoteTarget } from '../../intake/remote-target.ts';
import { IntakeLoop } from '../../workers/intake-loop.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { OldConnector } from '../support/old-connector.ts';
import { Plant } from '../support/plant.ts';

/** What becomes of a push, by the id that it was answered with. */

let plant: Plant;
let api: RealApi;
const connectors: OldConnector[] = [];

beforeAll(async () => {
  plant = await Plant.start();
  api = await startRealApi(plant, { DSXCONNECT_REMOTE_QUIET: '2' });
  await plant.worker();
}, 120_000);

afterAll(async () => {
  for (const connector of connectors) await connector.kill();
  await api?.stop();
  await plant?.stop();
});

async function connect(name: string, files: Record<string, string>): Promise<OldConnector> {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  writeFiles(folder, files);
  // It lists nothing by itself: each test pushes what it wants to.
  const connector = new OldConnector({ api: api.origin, folder, action: 'move', diesAfter: 0 });
  connectors.push(connector);
  expect((await connector.start()).status).toBe(201);
  return connector;
}

/** A scan that waits for what is pushed. */
async function scanOf(connector: OldConnector): Promise<string> {
  const { headers } = await connector.call('POST', `connectors/full_scan/${connector.uuid}`);
  const job = headers.get('x-job-id') ?? '';
  await until(() => connector.scans.includes(job));
  return job;
}

async function allPushed(connector: OldConnector, job: string): Promise<void> {
  await connector.call('POST', `scan/jobs/${job}/enqueue_done`, {});
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function push(connector: OldConnector, name: string, job?: string): Promise<string> {
  const location = path.join(connector.options.folder, name);
  const { status, body, headers } = await connector.call(
    'POST',
    'scan/request',
    await connector.requestOf(location, job),
  );
  expect(status).toBe(202);
  const [, task = ''] = /^Scan task ID: (.+)$/.exec(String(body.message)) ?? [];
  expect(headers.get('location')).toBe(`/dsx-connect/api/v1/scan/request/${task}`);
  return task;
}

// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
async function standing(connector: OldConnector, task: string): Promise<any> {
  return (await connector.call('GET', `scan/request/${task}`)).body;
}

// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
async function settled(connector: OldConnector, task: string): Promise<any> {
  await until(async () => (await standing(connector, task)).state !== 'PENDING');
  return await standing(connector, task);
}

// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
async function resultsOf(connector: OldConnector, task: string): Promise<any[]> {
  return (await connector.call('GET', `scan/results/${task}`)).body as unknown as [];
}

test('a push is pending until its row is in the ledger, and then tells how it was judged', async () => {
  const connector = await connect('single', { 'good.txt': 'good', 'bad.com': EICAR });
  const job = await scanOf(connector);
  await api.client.pause(job);
  const tasks = {
    good: await push(connector, 'good.txt', job),
    bad: await push(connector, 'bad.com', job),
    gone: await push(connector, 'gone.txt', job),
    again: await push(connector, 'good.txt', job),
  };
  expect(new Set(Object.values(tasks)).size).toBe(4);
  const waiting = await connector.call('GET', `scan/request/${tasks.good}`);
  expect(waiting).toMatchObject({ status: 200, body: { task_id: tasks.good, state: 'PENDING', status: 'pending' } });
  expect([waiting.headers.get('retry-after'), waiting.headers.get('cache-control')]).toEqual(['2', 'no-store']);
  expect(await resultsOf(connector, tasks.good)).toEqual([]);
  await api.client.resume(job);
  await allPushed(connector, job);

  expect(await settled(connector, tasks.good)).toMatchObject({
    state: 'SUCCESS',
    status: 'success',
    result: 'SUCCESS',
  });
  expect(await settled(connector, tasks.bad)).toMatchObject({
    state: 'SUCCESS',
    items: [{ job, outcome: 'malicious', stand_in: true }],
  });
  // Nothing that was not judged is a success.
  expect(await settled(connector, tasks.gone)).toMatchObject({
    state: 'FAILURE',
    status: 'error',
    result: null,
    error: expect.stringMatching(/^failed: /),
  });
  expect(await settled(connector, tasks.again)).toMatchObject({ state: 'FAILURE', error: 'skipped: duplicate' });

  expect(await resultsOf(connector, tasks.good)).toMatchObject([
    {
      scan_request_task_id: tasks.good,
      scan_job_id: job,
      scan_request: { location: path.join(connector.options.folder, 'good.txt') },
      verdict: { verdict: 'Benign' },
    },
  ]);
  expect(await resultsOf(connector, tasks.gone)).toEqual([]);
  const shown = (await connector.call('GET', `scan/results/job/${job}`)).body as unknown as Record<string, string>[];
  expect(shown.map((result) => result.scan_request_task_id).sort()).toEqual([tasks.good, tasks.bad].sort());
  await until(async () => (await api.client.job(job)).state === 'completed_with_gaps');
  const letters = await connector.call('GET', 'admin/dead-letter/items/scan_request?end=100');
  expect(letters.body.items).toMatchObject([{ chain: { scan_request_task_id: tasks.gone } }]);
}, 120_000);

test('a part of a batch has an id, and is a success when all of it was judged', async () => {
  const files = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`f${String(i).padStart(3, '0')}`, `${i}`]));
  const connector = await connect('batch', files);
  const job = await scanOf(connector);
  const locations = [...Object.keys(files), 'gone'].map((name) => path.join(connector.options.folder, name));
  const requests = await Promise.all(locations.map((location) => connector.requestOf(location, job)));
  const { status, body } = await connector.call('POST', 'scan/request_batch', { requests, batch_size: 500 });
  expect(status).toBe(202);
  expect(body).toMatchObject({ queued_items: 251, batch_size: 100 });
  const tasks = body.task_ids as string[];
  expect(tasks).toHaveLength(3);
  await allPushed(connector, job);
  const [first = '', , last = ''] = tasks;
  const done = await settled(connector, first);
  expect(done).toMatchObject({ state: 'SUCCESS', result: 'SUCCESS' });
  expect(done.items).toHaveLength(100);
  const shown = await resultsOf(connector, first);
  expect(shown.map(({ scan_request }) => scan_request.location)).toEqual(locations.slice(0, 100));
  expect(await settled(connector, last)).toMatchObject({
    state: 'FAILURE',
    result: null,
    error: expect.stringMatching(/^1 of 51 items were not judged \(failed: /),
  });
  expect(await resultsOf(connector, last)).toHaveLength(50);
}, 120_000);

test('what a connector noticed by itself is found by its id, each time that it was pushed', async () => {
  const connector = await connect('live', { 'a.txt': 'a' });
  const first = await push(connector, 'a.txt');
  await until(() => connector.reads > 0);
  const second = await push(connector, 'a.txt');
  expect(second).not.toBe(first);
  expect(await settled(connector, first)).toMatchObject({ state: 'SUCCESS' });
  expect(await settled(connector, second)).toMatchObject({ state: 'SUCCESS' });
  const [one] = await resultsOf(connector, first);
  const [other] = await resultsOf(connector, second);
  expect([one.scan_request_task_id, other.scan_request_task_id]).toEqual([first, second]);
  expect(one.scan_request.job_item_id).not.toBe(other.scan_request.job_item_id);
}, 120_000);

test('what comes after the end of a scan is found in the job that took it, and what was pushed for another one is not', async () => {
  const connector = await connect('late', { 'a.txt': 'a', 'b.txt': 'b' });
  const job = await scanOf(connector);
  const early = await push(connector, 'a.txt', job);
  await allPushed(connector, job);
  expect(await settled(connector, early)).toMatchObject({ state: 'SUCCESS', items: [{ job }] });
  await until(async () => (await api.client.job(job)).state === 'completed');
  const late = await push(connector, 'b.txt', job);
  const found = await settled(connector, late);
  expect(found).toMatchObject({ state: 'SUCCESS', items: [{ outcome: 'clean' }] });
  expect(found.items[0].job).not.toBe(job);
  expect(await standing(connector, early)).toMatchObject({ state: 'SUCCESS', items: [{ job }] });
}, 120_000);

test('a scan is handed what got stuck on the way to it, and nothing of what was pushed for the one before', async () => {
  const connector = await connect('anew', { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
  const before = await scanOf(connector);
  await push(connector, 'a.txt', before);
  await allPushed(connector, before);
  await plant.client.workflow.getHandle(`full-scan:${connector.uuid}`).result();
  const job = await scanOf(connector);
  await push(connector, 'b.txt', job);

  const owner = { source: connector.uuid, shard: PUSHED_SHARD };
  const handed: number[] = [];
  const handOver = createHandOver(plant.client);
  const received = createReceived(plant.client);
  const entry = await plant.ledger.remotes.newest(connector.uuid);
  const loop = new IntakeLoop({
    pages: plant.ledger.intake,
    received: async (source, shard) =>
      source === owner.source ? await received(source, shard) : { writers: [], since: '9999-01-01T00:00:00.000Z' },
    start: async (_, shard) => {
      const { shards: __, ...start } = remoteTarget(entry as RemoteEntry, 'standin');
      return { ...start, shard };
    },
    handOver: async (signal) => {
      handed.push(signal.ref.n);
      await handOver(signal);
    },
    log: { info: () => undefined, warn: () => undefined },
    ageMs: -60_000,
  });
  await loop.look();
  expect(handed).toEqual([]);
  // Its writer died between the page and its hand-over.
  const location = path.join(connector.options.folder, 'c.txt');
  const told = { name: 'c.txt', size: 1 };
  const event = { id: 'c', location, version: versionOf(told), told, at: new Date().toISOString() };
  const { mark } = createMarks(plant.ledger.id)(owner.source, event);
  const ref = { slot: slotOf(Date.now()), writer: '0123456789abcdef', n: 77 };
  await plant.ledger.intake.write(owner, ref, [{ event, mark }]);
  await loop.look();
  await loop.look();
  expect(handed).toEqual([77]);
  await allPushed(connector, job);
  await until(async () => (await api.client.job(job)).state === 'completed');
  expect(await api.client.job(job)).toMatchObject({ listed: 2, counters: { outcomes: { clean: 2, skipped: 0 } } });
  const lines = [{ ref, from: 0, to: 0 }];
  expect(await settled(connector, pushTaskId({ uuid: connector.uuid, ofScan: true, lines }))).toMatchObject({
    state: 'SUCCESS',
    items: [{ job }],
  });
}, 120_000);

test('an id that stands for nothing is pending, as it was', async () => {
  const connector = await connect('nothing', {});
  const unknown = `${connector.uuid}:9999:2026-11-23T10:0123456789abcdef:1.0`;
  for (const task of [
    '5d7a4f5e-2a0e-4c47-9f3e-0f3a1b2c3d4e',
    unknown,
    `${unknown}_`,
    `${unknown}-99999999`,
    'job-1:0-0:0',
    '%00',
  ]) {
    expect(await standing(connector, task)).toMatchObject({ state: 'PENDING', status: 'pending' });
  }
}, 60_000);
