import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFinal, type JobProgress } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { OldConnector, type OldConnectorOptions } from '../support/old-connector.ts';
import { Plant } from '../support/plant.ts';

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

function folderOf(name: string): string {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  return folder;
}

async function connect(folder: string, options: Partial<OldConnectorOptions> = {}): Promise<OldConnector> {
  const connector = new OldConnector({ api: api.origin, folder, ...options });
  connectors.push(connector);
  expect((await connector.start()).status).toBe(201);
  return connector;
}

async function scan(connector: OldConnector): Promise<string> {
  const answer = await connector.call('POST', `connectors/full_scan/${connector.uuid}?batch=true`);
  expect(answer).toMatchObject({ status: 202, body: { status: 'success' } });
  const job = answer.headers.get('x-job-id') ?? '';
  expect(answer.body.description).toContain(`job_id=${job}`);
  return job;
}

async function ended(job: string, timeoutMs = 120_000): Promise<JobProgress> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await api.client.job(job);
    if (isFinal(found.state)) return found;
    if (Date.now() > deadline) throw new Error(`not ended: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function rowsOf(job: string): Promise<OutcomeRow[]> {
  const rows: OutcomeRow[] = [];
  for await (const { body } of plant.ledger.job(job).commits()) {
    for (const page of body.pages) rows.push(...(await plant.ledger.job(job).readSegment(page.segment)));
  }
  return rows;
}

async function proven(job: string, progress: JobProgress): Promise<void> {
  const report = await verifyJob(plant.ledger.job(job), { root: progress.commit?.hash ?? '' });
  expect(report).toMatchObject({ problems: [], authentic: true });
}

test('a former connector registers, is scanned whole, and moves what is malicious', async () => {
  const folder = folderOf('whole');
  writeMany(folder, 4_997);
  writeFiles(folder, { 'a/bad1.com': EICAR, 'b/bad2.com': `${EICAR} `, 'empty.txt': '' });
  const connector = await connect(folder, { batch: 100, action: 'move' });
  expect((await connector.register()).status).toBe(200);
  const began = Date.now();
  const job = await scan(connector);
  await connector.listing;
  const pushedMs = Date.now() - began;
  const progress = await ended(job);
  process.stderr.write(`pushed 5000 in ${pushedMs} ms, ended after ${Date.now() - began} ms\n`);
  expect(connector.pushed).toBe(5_000);
  expect(progress).toMatchObject({
    state: 'completed',
    kind: 'full',
    coverage: 'reported_by_connector',
    listed: 5_000,
    gaps: [],
    actions: { done: 2 },
  });
  expect(progress.counters.outcomes).toMatchObject({ clean: 4_998, malicious: 2 });
  expect(readdirSync(connector.quarantine).sort()).toEqual(['bad1.com', 'bad2.com']);
  expect(new Set((await rowsOf(job)).map(({ location }) => location)).size).toBe(5_000);
  await proven(job, progress);
}, 180_000);

test('items pushed one by one, without a size, while the job is paused are all scanned', async () => {
  const folder = folderOf('single');
  writeMany(folder, 300);
  const connector = await connect(folder, { sizes: false });
  const job = await scan(connector);
  await until(() => connector.pushed > 20);
  await api.client.pause(job);
  await until(() => connector.pushed === 300);
  await connector.listing;
  expect((await connector.call('GET', `scan/jobs/${job}/raw`)).body.data).toEqual({ job_id: job });
  expect((await api.client.job(job)).state).toBe('paused');
  await api.client.resume(job);
  const progress = await ended(job);
  expect(progress).toMatchObject({ state: 'completed', listed: 300, gaps: [] });
  expect(progress.counters.outcomes.clean).toBe(300);
  await proven(job, progress);
}, 180_000);

test('a connector that dies in the middle and comes back elsewhere leaves an exact account, with a gap', async () => {
  const folder = folderOf('killed');
  writeMany(folder, 1_000);
  const connector = await connect(folder, { batch: 50, diesAfter: 400 });
  const job = await scan(connector);
  await until(() => connector.pushed === 400);
  const before = connector.url;
  await connector.kill();
  const again = await connector.start();
  expect(again.status).toBe(200);
  expect(connector.url).not.toBe(before);
  const progress = await ended(job);
  expect(progress).toMatchObject({ state: 'completed_with_gaps', listed: 400 });
  expect(progress.gaps).toEqual([
    { class: 'listing_broken', count: 1, detail: expect.stringMatching(/^connector_restarted: .* 400 items/) },
  ]);
  expect(progress.counters.outcomes.clean).toBe(400);
  await proven(job, progress);
}, 180_000);

test('a count that is above what came is a gap; one below it is not', async () => {
  const folder = folderOf('counts');
  writeMany(folder, 10);
  const more = await connect(folder, { batch: 10, count: () => 12 });
  const job = await scan(more);
  expect(await ended(job)).toMatchObject({
    state: 'completed_with_gaps',
    listed: 10,
    gaps: [{ class: 'listing_broken', count: 1, detail: expect.stringMatching(/^items_missing: /) }],
  });
  const fewer = await connect(folder, { batch: 10, count: () => -3 });
  expect(await ended(await scan(fewer))).toMatchObject({ state: 'completed', listed: 10, gaps: [] });
}, 180_000);

test('what is read as JSON is never taken for a file, and an action is never believed without a look', async () => {
  const folder = folderOf('honest');
  writeFiles(folder, { 'good.txt': 'good', 'bad.com': EICAR });
  const connector = await connect(folder, { batch: 10, action: 'delete', lies: true });
  const extra = await connector.requestOf(path.join(folder, 'gone.txt'));
  const job = await scan(connector);
  await until(() => connector.pushed === 2);
  const pushed = await connector.call('POST', 'scan/request', { ...extra, scan_job_id: job });
  expect(pushed).toMatchObject({ status: 202, body: { status: 'success' } });
  const progress = await ended(job);
  expect(progress).toMatchObject({ state: 'completed_with_gaps', listed: 3, actions: { failed: 1, done: 0 } });
  expect(progress.counters.outcomes).toMatchObject({ clean: 1, malicious: 1, failed: 1 });
  expect(readdirSync(folder).sort()).toEqual(['bad.com', 'good.txt']);
  await proven(job, progress);
}, 180_000);

test('what a connector finds by itself is scanned at once, each time that it is pushed', async () => {
  const folder = folderOf('live');
  writeFiles(folder, { 'a.txt': 'a', 'bad.com': EICAR });
  const connector = await connect(folder, { action: 'move' });
  for (const name of ['a.txt', 'bad.com']) {
    const pushed = await connector.call('POST', 'scan/request', await connector.requestOf(path.join(folder, name)));
    expect(pushed.status).toBe(202);
    expect(pushed.headers.get('location')).toMatch(
      new RegExp(`^/dsx-connect/api/v1/scan/request/${connector.uuid}:0:[0-9TZ-]{13}:[0-9a-f]{16}:\\d+\\.\\d+$`),
    );
  }
  await until(() => existsSync(path.join(connector.quarantine, 'bad.com')));
  writeFiles(folder, { 'a.txt': 'b' });
  await connector.call('POST', 'scan/request', await connector.requestOf(path.join(folder, 'a.txt')));
  await until(() => connector.reads >= 5);
  const [job] = (await api.client.jobs()).jobs.filter(
    ({ source, kind }) => source.id === connector.uuid && kind === 'on-access',
  );
  await until(async () => {
    const { counters } = await api.client.job(job?.job ?? '');
    return counters.outcomes.clean === 2 && counters.outcomes.malicious === 1;
  });
}, 180_000);

test('nothing of a cancelled job is taken any more, and what came before is told', async () => {
  const folder = folderOf('cancelled');
  writeMany(folder, 200);
  const connector = await connect(folder, { batch: 20, diesAfter: 100 });
  const job = await scan(connector);
  await until(() => connector.pushed === 100);
  await api.client.cancel(job);
  expect((await ended(job)).state).toBe('cancelled');
  await until(async () => {
    const { data } = (await connector.call('GET', `scan/jobs/${job}/raw`)).body as { data: { cancel?: string } };
    return data.cancel === '1';
  });
  const late = await connector.requestOf(path.join(folder, 'd0001/f000150.txt'), job);
  expect(await connector.call('POST', 'scan/request', late)).toMatchObject({
    status: 409,
    body: { status: 'error', message: 'Job paused/cancelled' },
  });
  const batch = { requests: [late], batch_size: 1 };
  expect(await connector.call('POST', 'scan/request_batch', batch)).toMatchObject({
    status: 202,
    body: { status: 'error', queued_items: 0 },
  });
}, 180_000);

test('what comes after the end has a job of its own', async () => {
  const folder = folderOf('late');
  writeMany(folder, 20);
  const connector = await connect(folder, { batch: 20 });
  const job = await scan(connector);
  expect(await ended(job)).toMatchObject({ state: 'completed', listed: 20 });
  const late = await connector.requestOf(path.join(folder, 'd0000/f000003.txt'), job);
  expect((await connector.call('POST', 'scan/request', late)).status).toBe(202);
  const follower = await untilFound(
    async () =>
      (await api.client.jobs()).jobs.find(({ source, job: id }) => source.id === connector.uuid && id !== job)?.job,
  );
  await until(async () => (await api.client.job(follower)).counters.outcomes.clean === 1);
  // A scan that is asked for meanwhile is a whole one.
  expect(await scan(connector)).toBe(follower);
  await until(() => connector.scans.length === 2);
  expect(await ended(follower)).toMatchObject({ state: 'completed', gaps: [] });
}, 180_000);

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  await untilFound(async () => ((await check()) ? true : undefined));
}

async function untilFound<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
