import path from 'node:path';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { createRedisStatus } from '../../status/redis-status.ts';
import type { StatusStore } from '../../status/status.ts';
import { REFRESH_MS } from '../../workers/status-loop.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle, type WorkerProcess } from '../support/plant.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

const FILES = 400;
const FINDINGS = 12;
/** A round itself takes its time on a busy machine. */
const SLACK_MS = 3_000;
const WITHIN = { timeout: REFRESH_MS + SLACK_MS, interval: 20 };

let plant: Plant;
let redis: ValkeyServer;
let api: RealApi;
let status: StatusStore;
let worker: WorkerProcess;
let folders = 0;

beforeAll(async () => {
  [plant, redis] = await Promise.all([Plant.start(), startValkey()]);
  status = await createRedisStatus(redis.url);
  worker = await newWorker();
  api = await startRealApi(plant, { REDIS_URL: redis.url });
});
afterAll(async () => {
  await Promise.allSettled([status?.close(), api?.stop()]);
  await plant.stop();
  await redis.stop('SIGKILL');
});
afterEach(() => plant.standin.setOptions({ latencyMs: 0, workers: 1_000 }));

const newWorker = (): Promise<WorkerProcess> =>
  plant.worker({ REDIS_URL: redis.url, DSXCONNECT_PAGE_ITEMS: '20', DSXCONNECT_WINDOW: '2' });

/** A scan with some findings, in its middle: pages have closed, and more than half of the files wait. */
async function inTheMiddle(): Promise<ScanHandle> {
  const folder = path.join(plant.folder, `t${++folders}`);
  writeMany(folder, FILES);
  // Names that come first in the listing.
  writeFiles(folder, Object.fromEntries(Array.from({ length: FINDINGS }, (_, i) => [`a${i}.com`, EICAR])));
  plant.standin.setOptions({ latencyMs: 60, workers: 4 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await scan.until((progress) => progress.pages.closed >= 2);
  return scan;
}

async function expectWhole(scan: ScanHandle): Promise<void> {
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  const { state, counters, root, listed } = await scan.result();
  expect([state, listed]).toEqual(['completed', FILES + FINDINGS]);
  expect(counters.outcomes).toMatchObject({ clean: FILES, malicious: FINDINGS });
  expect((await verifyJob(plant.ledger.job(scan.job), { root })).problems).toEqual([]);
  await vi.waitFor(async () => {
    const shown = (await status.job(scan.job))?.progress;
    expect(shown).toMatchObject({ state: 'completed', counters, commit: { hash: root } });
    expect(shown?.pages).toMatchObject({ open: 0, listed: shown?.pages.closed });
  }, WITHIN);
}

/** The status shows the job as its workflow does, with every finding of its closed pages. */
async function expectRight(scan: ScanHandle): Promise<void> {
  await vi.waitFor(async () => {
    const truth = await scan.progress();
    const shown = await status.job(scan.job);
    expect(shown?.progress.revision).toBeGreaterThanOrEqual(truth.revision - 20);
    expect(shown?.progress.listed).toBe(truth.listed);
    const rows = await status.findings(scan.job, undefined, 1_000);
    expect(rows.length).toBeGreaterThanOrEqual(truth.counters.outcomes.malicious);
    expect(new Set(rows.map(({ row }) => row.item)).size).toBe(rows.length);
  }, WITHIN);
}

async function command(...words: string[]): Promise<unknown> {
  const raw = createClient({ url: redis.url });
  await raw.connect();
  try {
    return await raw.sendCommand(words);
  } finally {
    raw.destroy();
  }
}

const rebuilds = (one: WorkerProcess): number => one.log().split('the status was rebuilt').length - 1;

test('FLUSHALL in mid-job: right again within one refresh, with the jobs that had ended; the account is whole', async () => {
  const before = await inTheMiddle();
  await expectWhole(before);
  const scan = await inTheMiddle();
  await command('FLUSHALL');
  await expectRight(scan);
  await vi.waitFor(async () => {
    expect((await status.job(before.job))?.progress).toMatchObject({ state: 'completed', listed: FILES + FINDINGS });
    expect(await status.findingsKept(before.job)).toMatchObject({ count: FINDINGS });
    expect((await status.rebuild())?.done).toBe(true);
  }, WITHIN);
  const left = Number(await command('PTTL', `dsx:job:${before.job}`));
  expect(left).toBeGreaterThan(6 * 86_400_000);
  await expectWhole(scan);
});

test('killed and back with nothing, or with nothing for a while: the same', async () => {
  const scan = await inTheMiddle();
  await redis.stop('SIGKILL');
  await scan.until(({ pages }) => pages.closed >= 5);
  redis = await startValkey({ port: redis.port });
  await vi.waitFor(() => status.ping(), { timeout: 10_000, interval: 20 });
  await expectRight(scan);
  await expectWhole(scan);
});

test('a job that ended while Redis was away is shown with its account when it is back', async () => {
  const scan = await inTheMiddle();
  await redis.stop('SIGKILL');
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  const { root } = await scan.result();
  const list = await api.client.jobs();
  expect(list.degraded).toEqual(['status_down']);
  expect(list.jobs.find(({ job }) => job === scan.job)).toMatchObject({ from: 'ledger', state: 'completed', root });
  redis = await startValkey({ port: redis.port });
  await vi.waitFor(() => status.ping(), { timeout: 10_000, interval: 20 });
  await expectWhole(scan);
});

test('Redis out of reach, its data kept: what was missed is made good', async () => {
  const scan = await inTheMiddle();
  process.kill(redis.pid, 'SIGSTOP');
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  await scan.result();
  process.kill(redis.pid, 'SIGCONT');
  await vi.waitFor(() => status.ping(), { timeout: 10_000, interval: 20 });
  await expectWhole(scan);
});

test('without Redis the running job is listed as its workflow says', async () => {
  const scan = await inTheMiddle();
  const lone = path.join(plant.folder, 'lone');
  writeMany(lone, 200);
  const blind = await startRealApi(plant);
  try {
    const { job, joined } = await blind.client.startJob({ folder: lone, scanner: 'standin' });
    expect(joined).toBe(false);
    const { jobs, degraded } = await blind.client.jobs();
    expect(degraded).toBeUndefined();
    expect(jobs.find((one) => one.job === job)).toMatchObject({ from: 'temporal' });
    expect(jobs.map((one) => one.job)).toContain(scan.job);
    await blind.client.cancel(job);
  } finally {
    await blind.stop();
  }
  await expectWhole(scan);
});

test('two orchestrators: one rebuilds; when it is killed, the other does', async () => {
  const other = await newWorker();
  await command('FLUSHALL');
  await vi.waitFor(async () => expect((await status.rebuild())?.done).toBe(true), WITHIN);
  const [a, b] = [rebuilds(worker), rebuilds(other)];
  await command('FLUSHALL');
  await vi.waitFor(async () => expect((await status.rebuild())?.done).toBe(true), WITHIN);
  expect(rebuilds(worker) + rebuilds(other)).toBe(a + b + 1);
  const scan = await inTheMiddle();
  const owner = rebuilds(other) > b ? other : worker;
  owner.kill('SIGKILL');
  await owner.gone;
  await command('FLUSHALL');
  await expectRight(scan);
  const rest = owner === worker ? other : worker;
  worker = rest;
  await vi.waitFor(() => expect(rebuilds(rest)).toBeGreaterThan(rest === other ? b : a), WITHIN);
  await expectWhole(scan);
}, 60_000);

test('rebuilt on request, with no orchestrator at all', async () => {
  worker.kill('SIGTERM');
  await worker.gone;
  await command('FLUSHALL');
  const { running, ended, findings, unanswered } = await api.client.rebuild();
  expect({ running, unanswered }).toEqual({ running: 0, unanswered: [] });
  expect(ended).toBeGreaterThanOrEqual(6);
  expect(findings).toBeGreaterThanOrEqual(6 * FINDINGS);
  expect((await status.rebuild())?.done).toBe(true);
  expect(await api.client.rebuild()).toMatchObject({ ended, findings: 0 });
  const { jobs } = await api.client.jobs({ limit: 1_000 });
  expect(jobs.every(({ from }) => from === 'status')).toBe(true);
  expect(jobs.map(({ startedAt }) => startedAt)).toEqual(
    jobs
      .map(({ startedAt }) => startedAt)
      .sort()
      .reverse(),
  );
});
