import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { pagesByWorker } from '../support/history.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

/** Small pages, so that a few seconds hold many of them. */
const SMALL_PAGES = { DSXCONNECT_PAGE_ITEMS: '10' };
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000 });
});
afterAll(() => plant.stop());
afterEach(async () => {
  await plant.stopWorkers();
  plant.standin.reset();
});

async function expectExact(scan: ScanHandle, listed: number) {
  const result = await scan.result();
  const rows = await scan.rows();
  expect(result).toMatchObject({ state: 'completed', listed });
  expect(rows.length).toBe(listed);
  expect(new Set(rows.map((row) => row.location)).size).toBe(listed);
  expect(rowsOf(result.counters)).toBe(listed);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
  return result;
}

it('two and four workers share one job, and the account is that of one worker', async () => {
  const folder = path.join(plant.folder, 'shared');
  writeMany(folder, 800);
  writeFiles(folder, { 'x/bad.com': EICAR, 'x/empty': '' });
  const accounts: unknown[] = [];
  let running = 0;
  for (const workers of [1, 2, 4]) {
    plant.standin.setOptions({ latencyMs: 20, workers: 24 });
    for (; running < workers; running++) await plant.worker(SMALL_PAGES);
    const scan = await plant.start({}, { source: plant.source(folder) });
    const { counters, listed } = await expectExact(scan, 802);
    accounts.push({ counters, listed });
    const shares = await pagesByWorker(plant.client, scan.workflowId);
    expect(shares.size).toBe(workers);
    expect(Math.min(...shares.values())).toBeGreaterThan(0.4 * (81 / workers));
  }
  expect(accounts).toEqual([accounts[0], accounts[0], accounts[0]]);
}, 90_000);

it('two jobs of weight 1 and 3 share the pages of a worker accordingly, and neither starves', async () => {
  // A page takes a worker's slot for some 130 ms, so that pages wait for slots and not for Temporal.
  plant.standin.setOptions({ latencyMs: 120, workers: 1_000 });
  const light = path.join(plant.folder, 'light');
  const heavy = path.join(plant.folder, 'heavy');
  writeMany(light, 2_500);
  writeMany(heavy, 2_500);
  await plant.worker(SMALL_PAGES);
  const one = await plant.start({}, { source: plant.source(light), weight: 1 });
  const three = await plant.start({}, { source: plant.source(heavy), weight: 3 });
  const closed = async () => {
    const [a, b] = await Promise.all([one.progress(), three.progress()]);
    return [a.pages.closed, b.pages.closed] as const;
  };
  // The pages that wait from the start are in the order of their coming: what counts is how it goes on.
  await three.until((progress) => progress.pages.closed >= 40);
  const [lightBefore, heavyBefore] = await closed();
  await three.until((progress) => progress.pages.closed >= heavyBefore + 105, 30_000);
  const [lightAfter, heavyAfter] = await closed();
  const ratio = (heavyAfter - heavyBefore) / (lightAfter - lightBefore);
  expect(ratio).toBeGreaterThan(3 * 0.8);
  expect(ratio).toBeLessThan(3 * 1.2);
  await Promise.all([one.control('cancel'), three.control('cancel')]);
}, 90_000);

it('a scanner is used to the full by one worker, two and one again, without a storm of refusals', async () => {
  const folder = path.join(plant.folder, 'limits');
  writeMany(folder, 5_000);
  plant.standin.setOptions({ latencyMs: 15, workers: 8, queue: 24 });
  await plant.worker();
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(1_500);
  const second = await plant.worker();
  await plant.untilScans(3_500);
  second.kill('SIGTERM');
  await second.gone;
  await expectExact(scan, 5_000);
  const answers = plant.standin.requests().map((request) => request.status);
  const refused = answers.filter((status) => status !== 200).length;
  expect(refused / answers.length).toBeLessThan(0.02);
}, 90_000);
