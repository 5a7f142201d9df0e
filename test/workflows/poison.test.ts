import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeFiles, writeMany } from '../support/files.ts';
import { Plant, type WorkerProcess } from '../support/plant.ts';

const FILES = 300;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 20, workers: 8 });
});
afterAll(() => plant.stop());

it('an item that kills every worker that reads it is failed (crashed), it alone, and all others have their outcome', async () => {
  const folder = path.join(plant.folder, 'plagued');
  writeMany(folder, FILES);
  writeFiles(folder, { 'd0001/poison': 'death to readers' });
  const faults = plant.fileFaults();
  faults.set('kill /poison');
  const env = { ...faults.env, DSXCONNECT_PAGE_ITEMS: '50' };
  let deaths = -1;
  let over = false;
  let last: WorkerProcess | undefined;
  const supervised = (async () => {
    while (!over) {
      deaths += 1;
      // It may die before it can say that it is ready.
      last = await plant.worker(env).catch(() => undefined);
      await last?.gone;
    }
  })();
  const scan = await plant.start({}, { source: plant.source(folder) });
  const result = await scan.result();
  over = true;
  last?.kill('SIGKILL');
  await supervised;
  const rows = await scan.rows();
  expect(result).toMatchObject({ state: 'completed_with_gaps', listed: FILES + 1 });
  expect(rowsOf(result.counters)).toBe(FILES + 1);
  expect(rows.filter(({ outcome }) => outcome !== 'clean')).toMatchObject([
    { location: 'd0001/poison', outcome: 'failed', reason: 'crashed' },
  ]);
  // One that nobody can explain, one that names the suspects, three that it alone explains.
  expect(deaths).toBeLessThanOrEqual(6);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}, 180_000);
