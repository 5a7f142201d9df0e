import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

const FILES = 1_200;
/** A worker that stops gives its pages back within this, whatever the scanner takes. */
const STOPS_WITHIN_MS = 10_000;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000, latencyMs: 250, workers: 40 });
});
afterAll(() => plant.stop());

it('a rolling restart of two workers rescans nothing that was answered, and the account is exact', async () => {
  const folder = path.join(plant.folder, 'rolling');
  const locations = writeMany(folder, FILES);
  const workers = [await plant.worker(), await plant.worker()];
  const scan = await plant.start({}, { source: plant.source(folder) });
  for (const [at, worker] of workers.entries()) {
    await plant.untilScans(150 + at * 400);
    const told = Date.now();
    worker.kill('SIGTERM');
    expect(await worker.gone).toBe(0);
    expect(Date.now() - told).toBeLessThan(STOPS_WITHIN_MS);
    await plant.worker();
  }
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed: FILES });
  expect(new Set((await scan.rows()).map((row) => row.location)).size).toBe(FILES);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
  const hashOf = (location: string) =>
    createHash('sha256')
      .update(readFileSync(path.join(folder, location)))
      .digest('hex');
  const files = new Set(locations.map(hashOf));
  const answered = plant.standin.requests().filter(({ sha256, status }) => files.has(sha256) && status === 200);
  expect(answered.length).toBe(FILES);
}, 90_000);
