import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeMany } from '../support/files.ts';
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

/** The workers that took pages, by the scan's history. */
async function workersOf(scan: ScanHandle): Promise<Set<string>> {
  const { events } = await plant.client.workflow.getHandle(scan.workflowId).fetchHistory();
  const scheduled = new Set<string>();
  const workers = new Set<string>();
  for (const {
    eventId,
    activityTaskScheduledEventAttributes: asked,
    activityTaskStartedEventAttributes: begun,
  } of events ?? []) {
    if (asked?.activityType?.name === 'scanPage') scheduled.add(String(eventId));
    if (begun && scheduled.has(String(begun.scheduledEventId))) workers.add(begun.identity ?? '');
  }
  return workers;
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
  expect((await workersOf(scan)).size).toBe(2);
}, 90_000);

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
