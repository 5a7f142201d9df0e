import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { temporalBinary } from '../../cli/stack/binaries.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { writeMany } from '../support/files.ts';
import { versionsOfRuns } from '../support/history.ts';
import { otherVersion } from '../support/other-version.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const FILES = 400;
/** Items that the pages of one worker have in hand. */
const IN_HAND = 96;
/** Pages so small that the window does not hold all of them at once: what is left over is the next run's. */
const CURRENT = { DSXCONNECT_WORKER_VERSIONING: 'current', DSXCONNECT_PAGE_ITEMS: '10' };
let plant: Plant;
let next: string;
let scans = 0;

beforeAll(async () => {
  plant = await Plant.start({ workers: 4 });
  next = otherVersion(path.join(plant.home, 'next'));
});
afterAll(() => plant.stop());
afterEach(async () => {
  await plant.stopWorkers();
  plant.standin.reset();
});

/** A scan under way, of a folder of its own. */
async function underWay(): Promise<ScanHandle> {
  const folder = path.join(plant.folder, `v${++scans}`);
  writeMany(folder, FILES);
  plant.standin.setOptions({ latencyMs: 60 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await scan.until((progress) => progress.pages.closed >= 3);
  return scan;
}

async function expectExact(scan: ScanHandle) {
  plant.standin.setOptions({ latencyMs: 0 });
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed: FILES });
  expect(new Set((await scan.rows()).map((row) => row.location)).size).toBe(FILES);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}

/** The build of each run, which must be one. */
async function builds(scan: ScanHandle): Promise<string[]> {
  const runs = await versionsOfRuns(plant.client, scan.workflowId);
  expect(runs.filter((run) => run.builds.length !== 1)).toEqual([]);
  return runs.map((run) => run.builds[0] as string);
}

it('an upgrade of a single host with a running scan goes on by itself, under the new version', async () => {
  const old = await plant.worker(CURRENT);
  const scan = await underWay();
  old.kill('SIGTERM');
  await old.gone;
  const before = plant.standin.stats().scans;
  await plant.worker(CURRENT, next);
  await plant.untilScans(before + 20);
  await expectExact(scan);
  expect(plant.standin.stats().scans - FILES).toBeLessThanOrEqual(IN_HAND);
  const [first, last, ...more] = await builds(scan);
  expect(last).not.toBe(first);
  expect(more).toEqual([]);
}, 90_000);

it('a paused scan moves to the new version at once, stays paused, and goes on from its place', async () => {
  const old = await plant.worker(CURRENT);
  const scan = await underWay();
  await scan.control('pause', 'upgrade');
  const paused = await scan.until((progress) => progress.pages.open === 0);
  old.kill('SIGTERM');
  await old.gone;
  await plant.worker(CURRENT, next);
  await expect.poll(async () => (await builds(scan)).length, { timeout: 40_000, interval: 250 }).toBe(2);
  expect(await scan.progress()).toMatchObject({ state: 'paused', idle: paused.idle, counters: paused.counters });
  await scan.control('resume');
  await expectExact(scan);
}, 90_000);

it('with both versions running, a scan ends its run under the old one, and new scans begin under the new one', async () => {
  await plant.worker(CURRENT);
  const scan = await underWay();
  const [before] = await builds(scan);
  // What is left takes longer than a version needs to become known.
  plant.standin.setOptions({ latencyMs: 150 });
  await plant.worker(CURRENT, next);
  await expect.poll(async () => (await builds(scan)).length, { timeout: 40_000, interval: 250 }).toBe(2);
  const later = await underWay();
  await expectExact(scan);
  await expectExact(later);
  const [first, last] = await builds(scan);
  expect(first).toBe(before);
  expect(last).not.toBe(first);
  expect(await builds(later)).toEqual([last]);
}, 90_000);

it('where the old code is not kept a scan waits for its workers, until an operator moves it', async () => {
  const old = await plant.worker(CURRENT);
  const scan = await underWay();
  old.kill('SIGTERM');
  await old.gone;
  const elsewhere = {
    ...CURRENT,
    DSX_HOME: path.join(plant.home, 'elsewhere'),
    DSX_LEDGER: path.join(plant.home, 'state/ledger'),
  };
  const worker = await plant.worker(elsewhere, next);
  expect(worker.log()).toContain('its own workers must serve them');
  await expect(plant.client.withDeadline(Date.now() + 2_000, () => scan.progress())).rejects.toThrow();
  const move = [
    'workflow',
    'update-options',
    '--workflow-id',
    scan.workflowId,
    '--versioning-override-behavior',
    'auto_upgrade',
  ];
  await promisify(execFile)(temporalBinary(), [...move, '--address', plant.temporal.address]);
  await expectExact(scan);
}, 90_000);
