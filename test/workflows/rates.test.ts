import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';
import { judgedTwice, mostAtOnce, scansBetween } from '../support/scanner-log.ts';

/** What a limit has to be obeyed within, in milliseconds. */
const SOON = 3_000;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000 });
  await Promise.all([
    plant.worker({ DSXCONNECT_PAGE_ITEMS: '300' }),
    plant.worker({ DSXCONNECT_PAGE_ITEMS: '300', DSXCONNECT_WORKER_ROLES: 'scan' }),
  ]);
});
afterAll(() => plant.stop());
afterEach(() => plant.standin.reset());

async function expectExact(scan: ScanHandle, listed: number) {
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed });
  expect(rowsOf(result.counters)).toBe(listed);
}

it('requests per second are kept to, over two workers in total, from the start on', async () => {
  const folder = path.join(plant.folder, 'requests');
  writeMany(folder, 900);
  const limits = { requestsPerSecond: 50 };
  const scan = await plant.start({}, { source: plant.source(folder), limits });
  await plant.untilScans(20);
  const from = Date.now();
  await pause(6_000);
  const rate = scansBetween(plant.standin.requests(), from, from + 6_000).length / 6;
  expect(rate).toBeGreaterThan(45);
  expect(rate).toBeLessThan(55);
  const started = Date.now();
  await scan.setLimits({ requestsPerSecond: 20 });
  await pause(SOON + 4_000);
  const slower = scansBetween(plant.standin.requests(), started + SOON, started + SOON + 4_000).length / 4;
  expect(slower).toBeGreaterThanOrEqual(18);
  expect(slower).toBeLessThanOrEqual(22);
  await scan.setLimits({ requestsPerSecond: null });
  await expectExact(scan, 900);
  expect(judgedTwice(plant.standin.requests())).toEqual([]);
}, 60_000);

it('bytes per second are kept to: a large item flows at that pace, and small ones share it', async () => {
  const folder = path.join(plant.folder, 'bytes');
  const mib = 2 ** 20;
  writeFiles(folder, { 'large.bin': Buffer.alloc(8 * mib, 'x') });
  for (let i = 0; i < 160; i++) writeFileSync(path.join(folder, `small-${i}`), Buffer.alloc(mib / 10, `${i} `));
  const started = Date.now();
  const scan = await plant.start({}, { source: plant.source(folder), limits: { bytesPerSecond: 4 * mib } });
  await expectExact(scan, 161);
  const log = plant.standin.requests();
  const large = log.find(({ bytes }) => bytes === 8 * mib);
  const took = (large?.answered ?? 0) - (large?.received ?? 0);
  // It has the whole of what its page may use, whatever else waits: no burst, and no starving either.
  expect(took).toBeGreaterThan(1_700);
  const last = Math.max(...log.map(({ answered }) => answered));
  const seconds = (last - started) / 1000;
  const rate = log.reduce((sum, { bytes }) => sum + bytes, 0) / seconds / mib;
  expect(rate).toBeGreaterThan(3.2);
  expect(rate).toBeLessThan(4.4);
  // Until the large item is through it is far from done with the small ones of its page: they wait outside the scanner.
  expect(mostAtOnce(log, started, last)).toBeLessThan(24);
}, 60_000);

it('an item that the limit would keep under way for over a day is failed with that reason; the others go through', async () => {
  const folder = path.join(plant.folder, 'too-low');
  writeFiles(folder, { 'huge.bin': '', 'small.txt': 'small' });
  truncateSync(path.join(folder, 'huge.bin'), 100 * 2 ** 20);
  const scan = await plant.start({}, { source: plant.source(folder), limits: { bytesPerSecond: 1_024 } });
  expect((await scan.result()).state).toBe('completed_with_gaps');
  const rows = (await scan.rows()).map(({ location, outcome, reason }) => [location, outcome, reason]);
  expect(rows.sort()).toEqual([
    ['huge.bin', 'failed', 'limit_too_low'],
    ['small.txt', 'clean', undefined],
  ]);
}, 30_000);
