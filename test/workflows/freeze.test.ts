import path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { startStandin } from '../../scanner/standin/server.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

/** One page: a worker may well go on with a page that nobody took over. */
const FILES = 400;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 300, workers: 4 });
});
afterAll(() => plant.stop());

it('a worker that was frozen until others took over its pages starts nothing and changes nothing when it wakes up', async () => {
  const folder = path.join(plant.folder, 'frozen');
  writeMany(folder, FILES);
  // A scanner of its own tells what the worker asks for.
  const own = await startStandin({ latencyMs: 300, workers: 4 });
  onTestFinished(() => own.stop());
  const frozen = await plant.worker({ DSXA_STANDIN_URL: own.url });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilPart(scan.job);
  frozen.kill('SIGSTOP');
  const stopped = Date.now();
  await plant.worker();
  await plant.untilScans(50, 120_000);
  expect(Date.now() - stopped).toBeLessThan(120_000);
  const awake = Date.now();
  frozen.kill('SIGCONT');
  await plant.untilScans(100, 60_000);
  // Files; a probe may go out.
  expect(own.requests().filter(({ received, bytes }) => received > awake && bytes === 200)).toEqual([]);
  plant.standin.setOptions({ latencyMs: 0 });
  const result = await scan.result();
  const rows = await scan.rows();
  expect(result).toMatchObject({ state: 'completed', listed: FILES });
  expect(rows.length).toBe(FILES);
  expect(new Set(rows.map((row) => row.location)).size).toBe(FILES);
  expect(rowsOf(result.counters)).toBe(FILES);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}, 180_000);
