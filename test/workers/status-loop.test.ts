import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startRealApi } from '../support/api.ts';
import { writeMany } from '../support/files.ts';
import { FINDINGS, LISTED, StatusPlant, WITHIN } from '../support/status-plant.ts';

let here: StatusPlant;
beforeAll(async () => {
  here = await StatusPlant.start();
});
afterAll(() => here.stop());
afterEach(() => here.fast());

test('FLUSHALL in mid-job: right again within one refresh, with the jobs that had ended; the account is whole', async () => {
  const before = await here.inTheMiddle();
  await here.expectWhole(before);
  const scan = await here.inTheMiddle();
  await here.command('FLUSHALL');
  await here.expectRight(scan);
  await here.expectRebuilt();
  expect((await here.status.job(before.job))?.progress).toMatchObject({ state: 'completed', listed: LISTED });
  expect(await here.status.findingsKept(before.job)).toMatchObject({ count: FINDINGS });
  const left = Number(await here.command('PTTL', `dsx:job:${before.job}`));
  expect(left).toBeGreaterThan(6 * 86_400_000);
  await here.expectWhole(scan);
});

test('killed, away for a while, and back with nothing: the same', async () => {
  const scan = await here.inTheMiddle();
  await here.redis.stop('SIGKILL');
  await scan.until(({ pages }) => pages.closed >= 5);
  await here.newRedis();
  await here.expectRight(scan);
  await here.expectWhole(scan);
});

test('a job that ended while Redis was away is shown with its account when it is back', async () => {
  const scan = await here.inTheMiddle();
  await here.redis.stop('SIGKILL');
  here.fast();
  const { root } = await scan.result();
  const list = await here.api.client.jobs();
  expect(list.degraded).toEqual(['status_down']);
  expect(list.jobs.find(({ job }) => job === scan.job)).toMatchObject({ from: 'ledger', state: 'completed', root });
  await here.newRedis();
  await here.expectWhole(scan);
});

test('Redis out of reach, its data kept: what was missed is made good', async () => {
  const scan = await here.inTheMiddle();
  process.kill(here.redis.pid, 'SIGSTOP');
  here.fast();
  await scan.result();
  process.kill(here.redis.pid, 'SIGCONT');
  await here.untilRedis();
  await here.expectWhole(scan);
});

test('a status that some stranger has changed is like the truth again after a round', async () => {
  const scan = await here.inTheMiddle();
  await here.command('DEL', `dsx:job:${scan.job}`, `dsx:findings:${scan.job}`, `dsx:seen:${scan.job}`);
  await here.expectRight(scan);
  await here.expectWhole(scan);
});

test('without Redis the jobs that run are listed as their workflows say', async () => {
  const scan = await here.inTheMiddle();
  const folder = path.join(here.plant.folder, 'lone');
  writeMany(folder, 200);
  const blind = await startRealApi(here.plant);
  try {
    const { job, joined } = await blind.client.startJob({ folder, scanner: 'standin' });
    expect(joined).toBe(false);
    await vi.waitFor(async () => {
      const { jobs, degraded } = await blind.client.jobs();
      expect(degraded).toBeUndefined();
      expect(jobs.find((one) => one.job === job)).toMatchObject({ from: 'temporal' });
      expect(jobs.map((one) => one.job)).toContain(scan.job);
    }, WITHIN);
    await blind.client.cancel(job);
  } finally {
    await blind.stop();
  }
  await here.expectWhole(scan);
});
