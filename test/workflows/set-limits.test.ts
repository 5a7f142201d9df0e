import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';
import { judgedTwice, mostAtOnce, scansBetween } from '../support/scanner-log.ts';

/** What a limit has to be obeyed within, in milliseconds. */
const SOON = 3_000;
/** A moment on the scanner's own log is exact to some milliseconds. */
const SLACK = 20;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000 });
  await Promise.all([
    plant.worker({ DSXCONNECT_PAGE_ITEMS: '300' }),
    plant.worker({ DSXCONNECT_PAGE_ITEMS: '300', DSXCONNECT_WORKER_ROLES: 'scan' }),
  ]);
});
afterAll(() => plant.stop());
afterEach(() => {
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 0 });
});

async function expectExact(scan: ScanHandle, listed: number) {
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed });
  expect(rowsOf(result.counters)).toBe(listed);
  const rows = await scan.rows();
  expect(new Set(rows.map((row) => row.location)).size).toBe(listed);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}

it('items in flight: 2, then 50, then any, over two workers in total, and nothing finished is scanned again', async () => {
  const folder = path.join(plant.folder, 'items');
  const files = 5_000;
  writeMany(folder, files);
  plant.standin.setOptions({ latencyMs: 200 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(600);
  expect(mostAtOnce(plant.standin.requests(), 0, Date.now())).toBeGreaterThan(50);

  const lowered = Date.now();
  const answer = await scan.setLimits({ itemsInFlight: 2 }, 'office hours');
  expect(answer).toMatchObject({ state: 'running', limits: { itemsInFlight: 2, by: 'test', reason: 'office hours' } });
  await pause(SOON + 4_000);
  const raised = Date.now();
  await scan.setLimits({ itemsInFlight: 50 });
  const log = () => plant.standin.requests();
  expect(mostAtOnce(log(), lowered + SOON, raised)).toBe(2);
  expect(scansBetween(log(), lowered + SOON, raised).length).toBeGreaterThan(20);

  await pause(SOON + 2_000);
  const cleared = Date.now();
  await scan.setLimits({ itemsInFlight: null });
  expect(mostAtOnce(log(), raised, cleared)).toBeLessThanOrEqual(50);
  expect(mostAtOnce(log(), raised + SOON, cleared)).toBeGreaterThan(40);
  expect((await scan.progress()).limits).toMatchObject({ by: 'test' });

  plant.standin.setOptions({ latencyMs: 0 });
  await expectExact(scan, files);
  expect(judgedTwice(log())).toEqual([]);
}, 90_000);

it('requests per second are kept to, over two workers in total, from the start on', async () => {
  const folder = path.join(plant.folder, 'requests');
  writeMany(folder, 1_500);
  const limits = { requestsPerSecond: 50 };
  const scan = await plant.start({}, { source: plant.source(folder), limits });
  await plant.untilScans(20);
  const from = Date.now();
  await pause(10_000);
  const rate = scansBetween(plant.standin.requests(), from, from + 10_000).length / 10;
  expect(rate).toBeGreaterThan(45);
  expect(rate).toBeLessThan(55);
  const started = Date.now();
  await scan.setLimits({ requestsPerSecond: 20 });
  await pause(SOON + 5_000);
  const slower = scansBetween(plant.standin.requests(), started + SOON, started + SOON + 5_000).length / 5;
  expect(slower).toBeGreaterThan(18 - 1);
  expect(slower).toBeLessThan(22 + 1);
  await scan.setLimits({ requestsPerSecond: null });
  await expectExact(scan, 1_500);
  expect(judgedTwice(plant.standin.requests())).toEqual([]);
}, 60_000);

it('bytes per second are kept to: a large item flows at that pace, and small ones share it', async () => {
  const folder = path.join(plant.folder, 'bytes');
  const mib = 2 ** 20;
  writeFiles(folder, { 'large.bin': Buffer.alloc(16 * mib, 'x') });
  for (let i = 0; i < 400; i++) writeFileSync(path.join(folder, `small-${i}`), Buffer.alloc(mib / 10, `${i} `));
  const started = Date.now();
  const scan = await plant.start({}, { source: plant.source(folder), limits: { bytesPerSecond: 4 * mib } });
  await expectExact(scan, 401);
  const log = plant.standin.requests();
  const large = log.find(({ bytes }) => bytes === 16 * mib);
  const took = (large?.answered ?? 0) - (large?.received ?? 0);
  // It has the whole of what its page may use, whatever else waits: no burst, and no starving either.
  expect(took).toBeGreaterThan(3_500);
  const last = Math.max(...log.map(({ answered }) => answered));
  const seconds = (last - started) / 1000;
  const rate = log.reduce((sum, { bytes }) => sum + bytes, 0) / seconds / mib;
  expect(rate).toBeGreaterThan(3.2);
  expect(rate).toBeLessThan(4.4);
  // Until the large item is through it is far from done with the small ones of its page: they wait outside the scanner.
  expect(mostAtOnce(log, started, last)).toBeLessThan(24);
}, 60_000);

it('cancel under full load: when it is acknowledged no scan starts any more, and it tells what was done', async () => {
  const folder = path.join(plant.folder, 'cancel');
  writeMany(folder, 5_000);
  plant.standin.setOptions({ latencyMs: 100 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(800);
  const { state, done, idle } = await scan.control('cancel', 'wrong folder');
  const acknowledged = Date.now();
  expect(state).toBe('cancelling');
  expect(idle).toMatchObject({ why: 'cancelling', by: 'test', reason: 'wrong folder' });
  const result = await scan.result();
  await pause(2_000);
  const log = plant.standin.requests();
  expect(log.filter(({ received }) => received > acknowledged + SLACK)).toEqual([]);
  expect(log.filter(({ answered }) => answered > acknowledged + SLACK)).toEqual([]);
  expect(result).toMatchObject({ state: 'cancelled' });
  expect(done).toMatchObject({ listed: result.listed, counters: result.counters });
  expect(rowsOf(result.counters)).toBeGreaterThanOrEqual(700);
  expect((await scan.rows()).length).toBe(rowsOf(result.counters));
}, 60_000);

it('pause under full load: no scan starts later than 3 s, and nothing finished is scanned again', async () => {
  const folder = path.join(plant.folder, 'pause');
  writeMany(folder, 3_000);
  plant.standin.setOptions({ latencyMs: 100 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(500);
  const asked = Date.now();
  await scan.control('pause');
  await pause(SOON + 2_000);
  expect(plant.standin.requests().filter(({ received }) => received > asked + SOON)).toEqual([]);
  // Limits may be set meanwhile, and hold from the resume on.
  await scan.setLimits({ itemsInFlight: 10 });
  const resumed = Date.now();
  await scan.control('resume');
  await pause(2_000);
  expect(mostAtOnce(plant.standin.requests(), resumed, Date.now())).toBeLessThanOrEqual(10);
  plant.standin.setOptions({ latencyMs: 0 });
  await scan.setLimits({ itemsInFlight: null });
  await expectExact(scan, 3_000);
  expect(judgedTwice(plant.standin.requests())).toEqual([]);
}, 60_000);
