import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ token: 'right', latencyMs: 20, workers: 4 });
});
afterAll(() => plant.stop());
afterEach(() => plant.standin.reset());

it('a scanner that refuses the token holds the job with that reason; once it accepts, the job goes on by itself', async () => {
  const folder = path.join(plant.folder, 'token');
  writeMany(folder, 100);
  await plant.worker();
  const scan = await plant.start({}, { source: plant.source(folder) });
  const held = await scan.until((progress) => progress.state === 'held', 60_000);
  expect(held.idle).toMatchObject({ why: 'held', reason: expect.stringContaining('scanner_auth') });
  expect(held.counters.outcomes.failed).toBe(0);
  plant.standin.setOptions({ token: undefined });
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed: 100 });
  expect(result.counters.outcomes.clean).toBe(100);
}, 120_000);

it('a held job can be cancelled', async () => {
  const folder = path.join(plant.folder, 'cancelled');
  writeMany(folder, 20);
  plant.standin.setOptions({ token: 'right' });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await scan.until((progress) => progress.state === 'held', 60_000);
  await scan.control('cancel');
  expect((await scan.result()).state).toBe('cancelled');
}, 120_000);
