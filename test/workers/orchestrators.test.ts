import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { scanIsOpen } from '../../activities/rebuild-status/running-jobs.ts';
import { writeMany } from '../support/files.ts';
import type { WorkerProcess } from '../support/plant.ts';
import { FINDINGS, StatusPlant, WITHIN } from '../support/status-plant.ts';

let here: StatusPlant;
beforeAll(async () => {
  here = await StatusPlant.start();
});
afterAll(() => here.stop());
afterEach(() => here.fast());

/** Rebuilds that a process told of. */
const rebuilds = (worker: WorkerProcess): number => worker.log().split('the status was rebuilt').length - 1;

test('one of two rebuilds; when it is killed, the other does; the account is whole', async () => {
  const other = await here.newWorker();
  await here.expectRebuilt();
  const before = [rebuilds(here.worker), rebuilds(other)] as const;
  const scan = await here.inTheMiddle();
  await here.command('FLUSHALL');
  await here.expectRight(scan);
  await here.expectRebuilt();
  const byOther = rebuilds(other) > before[1];
  await vi.waitFor(() => expect(rebuilds(here.worker) + rebuilds(other)).toBe(before[0] + before[1] + 1), WITHIN);
  const [owner, rest] = byOther ? [other, here.worker] : [here.worker, other];
  owner.kill('SIGKILL');
  await owner.gone;
  const told = rebuilds(rest);
  // Temporal takes up to ten seconds to give the workflows of a process that was killed to another one.
  await scan.progress();
  await here.command('FLUSHALL');
  await here.expectRight(scan);
  await vi.waitFor(() => expect(rebuilds(rest)).toBeGreaterThan(told), WITHIN);
  here.worker = rest;
  await here.expectWhole(scan);
});

test('what was done while Redis was away is logged once, and costs no memory of it', async () => {
  const told = (word: string): number => here.worker.log().split(word).length - 1;
  const before = told("can't be compared");
  await here.redis.stop('SIGKILL');
  await vi.waitFor(() => expect(told("can't be compared")).toBe(before + 1), WITHIN);
  await here.newRedis();
  await here.expectRebuilt();
  expect(told("can't be compared")).toBe(before + 1);
});

test('rebuilt on request, with no orchestrator at all', async () => {
  here.worker.kill('SIGTERM');
  expect(await here.worker.gone).toBe(0);
  await here.command('FLUSHALL');
  const { running, ended, findings, unanswered } = await here.api.client.rebuild();
  expect({ running, ended, findings, unanswered }).toEqual({
    running: 0,
    ended: 1,
    findings: FINDINGS,
    unanswered: [],
  });
  expect((await here.status.rebuild())?.done).toBe(true);
  expect(await here.api.client.rebuild()).toMatchObject({ ended: 1, findings: 0 });
  expect((await here.api.client.jobs()).jobs.map(({ from }) => from)).toEqual(['status']);
});

test('a scan that waits for a worker is no stray, and is not passed over', async () => {
  const folder = path.join(here.plant.folder, 'waits');
  writeMany(folder, 2);
  const refused = await here.api.client.startJob({ folder, scanner: 'standin' }).catch((error) => error);
  const job = String(refused.problem?.job);
  await vi.waitFor(async () => expect(await scanIsOpen(here.plant.client, job)).toBe(true), WITHIN);
  await here.command('FLUSHALL');
  expect((await here.api.client.jobs()).unanswered).toEqual([job]);
  expect(await here.api.client.rebuild()).toMatchObject({ running: 0, unanswered: [job] });
  await here.plant.client.workflow.getHandle(here.plant.source(folder).id).terminate('the test');
  await vi.waitFor(async () => expect(await scanIsOpen(here.plant.client, job)).toBe(false), WITHIN);
  expect(await scanIsOpen(here.plant.client, 'job-that-never-was')).toBe(false);
});
