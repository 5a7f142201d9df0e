import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DAYS, type Day } from '../../domain/limits.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

const FILES = 600;
let plant: Plant;

beforeAll(async () => {
  // A server that suggests continuing as new after so few events that a scan of sixty pages needs several runs.
  plant = await Plant.start({}, ['limit.historyCount.suggestContinueAsNew=60']);
  await plant.worker({ DSXCONNECT_PAGE_ITEMS: '10' });
});
afterAll(() => plant.stop());

it('a scan goes on in new runs with the same account: nothing lost, nothing twice', async () => {
  const folder = path.join(plant.folder, 'long');
  writeMany(folder, FILES);
  plant.standin.setOptions({ latencyMs: 10, workers: 8 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  const first = await plant.client.workflow.getHandle(scan.workflowId).describe();
  const result = await scan.result();
  const last = await plant.client.workflow.getHandle(scan.workflowId).describe();
  expect(last.runId).not.toBe(first.runId);
  const rows = await scan.rows();
  expect(result).toMatchObject({ state: 'completed', listed: FILES });
  expect(new Set(rows.map((row) => row.location)).size).toBe(FILES);
  expect(rows.length).toBe(FILES);
  expect(rowsOf(result.counters)).toBe(FILES);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}, 60_000);

it('a paused scan is still paused after it continued as new', async () => {
  const folder = path.join(plant.folder, 'paused');
  writeMany(folder, FILES);
  plant.standin.setOptions({ latencyMs: 20, workers: 4 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await scan.until((progress) => progress.pages.closed > 0);
  await scan.control('pause', 'night');
  const paused = await scan.until((progress) => progress.pages.open === 0);
  expect(paused).toMatchObject({ state: 'paused', idle: { by: 'test', reason: 'night' } });
  plant.standin.setOptions({ latencyMs: 0 });
  await scan.control('resume');
  expect(await scan.result()).toMatchObject({ state: 'completed', listed: FILES });
}, 60_000);

function yesterday(): Day {
  return DAYS[(new Date().getUTCDay() + 5) % 7] ?? 'mon';
}

it('limits and closed hours are the same after it continued as new while it waited', async () => {
  const folder = path.join(plant.folder, 'closed');
  writeMany(folder, 50);
  const hours = { timeZone: 'UTC', spans: [{ days: [yesterday()], from: '12:00', to: '12:01' }] };
  const scansBefore = plant.standin.stats().scans;
  const scan = await plant.start({}, { source: plant.source(folder), limits: { itemsInFlight: 7, hours } });
  await scan.until((progress) => progress.idle?.why === 'outside_hours');
  const runId = async () => (await plant.client.workflow.getHandle(scan.workflowId).describe()).runId;
  const first = await runId();
  // Each change is some events of history; nothing else happens while the job waits.
  for (let i = 0; i < 200 && (await runId()) === first; i++) await scan.setLimits({ requestsPerSecond: 1 + (i % 2) });
  expect(await runId()).not.toBe(first);
  const waiting = await scan.progress();
  expect(waiting).toMatchObject({ state: 'running', idle: { why: 'outside_hours' }, limits: { itemsInFlight: 7 } });
  expect(plant.standin.stats().scans).toBe(scansBefore);
  await scan.setLimits({ hours: null, requestsPerSecond: null });
  expect(await scan.result()).toMatchObject({ state: 'completed', listed: 50 });
}, 60_000);
