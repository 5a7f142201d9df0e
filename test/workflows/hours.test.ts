import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DAYS, type Day, type Hours } from '../../domain/limits.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';
import { scansBetween } from '../support/scanner-log.ts';

const MINUTE = 60_000;
const SOON = 3_000;
let plant: Plant;

// At 160 items a second no job of 20,000 ends before the next whole minute.
beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000, latencyMs: 50, workers: 8 });
  await Promise.all([plant.worker(), plant.worker({ DSXCONNECT_WORKER_ROLES: 'scan' })]);
});
afterAll(() => plant.stop());

/** Hours of today in UTC from one whole minute to another (Unix time, milliseconds), which may be tomorrow's. */
function between(from: number, to: number): Hours {
  const time = (at: number) => new Date(at).toISOString().slice(11, 16);
  const day = DAYS[(new Date(from).getUTCDay() + 6) % 7] as Day;
  return { timeZone: 'UTC', spans: [{ days: [day], from: time(from), to: time(to) }] };
}

async function begin(name: string, files: number, hours: Hours): Promise<ScanHandle> {
  const folder = path.join(plant.folder, name);
  writeMany(folder, files);
  return plant.start({}, { source: plant.source(folder), limits: { hours } });
}

it('a job works inside its hours only: it stops by itself when they close, and goes on when they open', async () => {
  // The next whole minute that leaves time to begin: one job may work until then, the other from then on.
  const turn = Math.ceil((Date.now() + 6_000) / MINUTE) * MINUTE;
  const waiting = await begin('opens', 300, between(turn, turn + 10 * MINUTE));
  const shut = await waiting.until((progress) => progress.idle !== undefined);
  expect(shut).toMatchObject({ state: 'running', listed: 0 });
  expect(shut.idle).toMatchObject({ why: 'outside_hours', until: new Date(turn).toISOString() });
  expect(plant.standin.stats().scans).toBe(0);
  const working = await begin('closes', 20_000, between(turn - 10 * MINUTE, turn));
  await working.until((progress) => progress.pages.open > 0);
  await waiting.control('pause', 'by hand');
  await waiting.control('resume');
  expect((await waiting.progress()).idle?.why).toBe('outside_hours');

  expect(await waiting.result()).toMatchObject({ state: 'completed', listed: 300 });
  expect(Math.min(...(await waiting.rows()).map((row) => Date.parse(row.at)))).toBeGreaterThanOrEqual(turn);
  const closed = await working.until((progress) => progress.idle !== undefined && progress.pages.open === 0);
  expect(closed.idle).toMatchObject({ why: 'outside_hours' });
  expect(Date.parse(closed.idle?.until ?? '')).toBeGreaterThan(turn + 6 * 24 * 60 * MINUTE);
  expect(rowsOf(closed.counters)).toBeGreaterThan(0);
  await pause(Math.max(0, turn + SOON - Date.now()));
  const from = Date.now();
  await pause(2_000);
  expect(scansBetween(plant.standin.requests(), from)).toEqual([]);

  // Other hours are looked at at once; without any it goes on.
  await working.setLimits({ hours: between(turn - 10 * MINUTE, turn + 10 * MINUTE) });
  await working.until((progress) => progress.idle === undefined && progress.pages.open > 0);
  await working.setLimits({ hours: between(turn - 10 * MINUTE, turn) });
  const asked = Date.now();
  await working.until((progress) => progress.pages.open === 0);
  expect(Date.now() - asked).toBeLessThan(SOON);
  const { state, done } = await working.control('cancel');
  expect(state).toBe('cancelling');
  const result = await working.result();
  expect(result).toMatchObject({ state: 'cancelled', counters: done?.counters });
}, 150_000);
