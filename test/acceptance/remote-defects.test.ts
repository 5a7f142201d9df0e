import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFinal } from '../../domain/job.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { writeFiles } from '../support/files.ts';
import { OldConnector, type OldConnectorOptions } from '../support/old-connector.ts';
import { Plant } from '../support/plant.ts';

/** What went wrong with connectors of the former product, and must not come back with them. */

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

async function connect(
  name: string,
  files: Record<string, string>,
  options: Partial<OldConnectorOptions> = {},
): Promise<OldConnector> {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  writeFiles(folder, files);
  const connector = new OldConnector({ api: api.origin, folder, ...options });
  connectors.push(connector);
  expect((await connector.start()).status).toBe(201);
  return connector;
}

async function scanOf(connector: OldConnector): Promise<string> {
  const { headers } = await connector.call('POST', `connectors/full_scan/${connector.uuid}`);
  const job = headers.get('x-job-id') ?? '';
  await until(() => connector.scans.includes(job));
  return job;
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ended(job: string) {
  await until(async () => isFinal((await api.client.job(job)).state));
  return await api.client.job(job);
}

test('a listing of nothing ends its scan', async () => {
  const connector = await connect('empty', {});
  expect(await ended(await scanOf(connector))).toMatchObject({ state: 'completed', listed: 0, gaps: [] });
}, 60_000);

test('what comes after the word that all is pushed is scanned before the scan ends', async () => {
  const connector = await connect('early-word', { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' }, { diesAfter: 0 });
  const job = await scanOf(connector);
  const push = async (name: string) =>
    await connector.call(
      'POST',
      'scan/request',
      await connector.requestOf(path.join(connector.options.folder, name), job),
    );
  await push('a.txt');
  await connector.call('POST', `scan/jobs/${job}/enqueue_done`, { enqueued_total: 3 });
  for (const name of ['b.txt', 'c.txt']) expect((await push(name)).status).toBe(202);
  expect(await ended(job)).toMatchObject({
    state: 'completed',
    listed: 3,
    gaps: [],
    counters: { outcomes: { clean: 3 } },
  });
}, 60_000);

test('what nobody can hand over is not told as taken, and is answered before the connector gives up', async () => {
  const connector = await connect('alone', { 'a.txt': 'a' });
  const alone = await startRealApi(plant, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  const other = new OldConnector({ ...connector.options, api: alone.origin, uuid: connector.uuid });
  try {
    const request = await connector.requestOf(path.join(connector.options.folder, 'a.txt'));
    for (const [target, body] of [
      ['scan/request', request],
      ['scan/request_batch', { requests: [request, request], batch_size: 10 }],
    ] as const) {
      const began = Date.now();
      const answer = await other.call('POST', target, body);
      expect([target, answer.status, answer.body.status]).toEqual([target, 503, 'error']);
      expect(Date.now() - began).toBeLessThan(5_000);
    }
  } finally {
    await alone.stop();
  }
}, 60_000);

test('ids that nobody gave out make no jobs', async () => {
  const connector = await connect('ghosts', {});
  const before = (await api.client.jobs()).jobs.length;
  const ghost = '5d7a4f5e-2a0e-4c47-9f3e-0f3a1b2c3d4e';
  expect((await connector.call('POST', `scan/jobs/${ghost}/enqueue_done`, { enqueued_total: 7 })).body).toMatchObject({
    status: 'error',
  });
  for (const verb of ['pause', 'resume', 'cancel']) {
    expect((await connector.call('POST', `scan/jobs/${ghost}/${verb}`)).status).toBe(404);
  }
  expect((await connector.call('GET', `scan/jobs/${ghost}/raw`)).body).toMatchObject({ ttl: -2, data: {} });
  expect((await api.client.jobs()).jobs).toHaveLength(before);
}, 60_000);

test('who wants a whole scan while the rest of an earlier one is scanned gets a whole one', async () => {
  const connector = await connect('rest', { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' }, { diesAfter: 0 });
  const push = async (name: string, job: string) => {
    const request = await connector.requestOf(path.join(connector.options.folder, name), job);
    expect((await connector.call('POST', 'scan/request', request)).status).toBe(202);
  };
  const first = await scanOf(connector);
  await connector.call('POST', `scan/jobs/${first}/enqueue_done`, {});
  await plant.client.workflow.getHandle(`full-scan:${connector.uuid}`).result();
  await push('a.txt', first);
  const isRest = ({ source, job }: { source: { id: string }; job: string }) =>
    source.id === connector.uuid && job !== first;
  await until(async () => (await api.client.jobs()).jobs.some(isRest));
  const rest = (await api.client.jobs()).jobs.find(isRest)?.job ?? '';
  await api.client.pause(rest);
  await push('b.txt', first);
  // By then it waits for nothing more.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await api.client.startJob({ connector: connector.uuid, scanner: 'standin' })).job).toBe(rest);
  await api.client.resume(rest);
  await until(() => connector.scans.includes(rest));
  // The listing takes longer than the quiet after its end.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await api.client.job(rest)).state).toBe('running');
  await push('c.txt', rest);
  await connector.call('POST', `scan/jobs/${rest}/enqueue_done`, {});
  expect(await ended(rest)).toMatchObject({ state: 'completed', listed: 3, gaps: [] });
}, 60_000);

test('a second start joins the first: the connector lists once', async () => {
  const connector = await connect('twice', { 'a.txt': 'a' }, { diesAfter: 0 });
  const job = await scanOf(connector);
  expect(await scanOf(connector)).toBe(job);
  expect((await api.client.startJob({ connector: connector.uuid, scanner: 'standin' })).joined).toBe(true);
  expect(connector.scans).toEqual([job]);
  await api.client.cancel(job);
  expect((await ended(job)).state).toBe('cancelled');
}, 60_000);

test('an address in a push is never asked, and one that nobody registered is nobody', async () => {
  let asked = 0;
  const foreign = createServer((_, response) => {
    asked += 1;
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end('foreign');
  });
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/fs`;
  try {
    const connector = await connect('addressed', { 'a.txt': 'a' });
    const request = await connector.requestOf(path.join(connector.options.folder, 'a.txt'));
    const named = { ...request, connector_url: url, connector: { ...(request.connector as object), url } };
    expect((await connector.call('POST', 'scan/request', named)).status).toBe(202);
    await until(() => connector.reads === 1);
    const { connector: _, ...unnamed } = named;
    expect(await connector.call('POST', 'scan/request', unnamed)).toMatchObject({
      status: 404,
      body: { detail: 'connector_not_registered' },
    });
    expect(asked).toBe(0);
  } finally {
    foreign.close();
  }
}, 60_000);

test('a name that resembles that of quarantine leaves nothing out', async () => {
  const connector = await connect('named', { 'named-quarantine/a.txt': 'a', 'quarantine.txt': 'b' }, { batch: 10 });
  expect(await ended(await scanOf(connector))).toMatchObject({
    state: 'completed',
    listed: 2,
    counters: { outcomes: { clean: 2 } },
  });
}, 60_000);
