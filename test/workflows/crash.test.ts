import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const FILES = 400;
/** Scans that can be in flight at a kill: the runners of four pages. */
const IN_FLIGHT = 96;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 100, workers: 4 });
});
afterAll(() => plant.stop());

async function expectExact(scan: ScanHandle, state: string) {
  const result = await scan.result();
  const rows = await scan.rows();
  expect(result).toMatchObject({ state, listed: FILES });
  expect(rows.length).toBe(FILES);
  expect(new Set(rows.map((row) => row.location)).size).toBe(FILES);
  expect(rowsOf(result.counters)).toBe(FILES);
  const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
  expect(report.problems).toEqual([]);
}

it('a worker killed in the middle: another goes on within 30 s, and the account is exact', async () => {
  const folder = path.join(plant.folder, 'killed');
  writeMany(folder, FILES);
  const first = await plant.worker();
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilPart(scan.job);
  first.kill('SIGKILL');
  await first.gone;
  const before = plant.standin.stats().scans;
  await plant.worker();
  const restarted = Date.now();
  await plant.untilScans(before + 5);
  expect(Date.now() - restarted).toBeLessThan(30_000);
  plant.standin.setOptions({ latencyMs: 0 });
  await expectExact(scan, 'completed');
  // One checkpoint interval and what was in flight: four workers of the scanner do 40 scans a second.
  expect(plant.standin.stats().scans - FILES).toBeLessThanOrEqual(IN_FLIGHT + 80);
}, 90_000);

it('a worker told to stop hands its pages back, and nothing that was finished is scanned again', async () => {
  const folder = path.join(plant.folder, 'stopped');
  writeMany(folder, FILES);
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 100 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilPart(scan.job);
  const next = await plant.worker();
  plant.stopOthers(next);
  await plant.untilScans(150);
  plant.standin.setOptions({ latencyMs: 0 });
  await expectExact(scan, 'completed');
  expect(plant.standin.stats().scans - FILES).toBeLessThanOrEqual(IN_FLIGHT);
}, 90_000);
