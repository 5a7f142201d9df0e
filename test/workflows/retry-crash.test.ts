import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFiles } from '../support/files.ts';
import { RetryPlant } from './retry-plant.ts';

const SMALL_PAGES = { DSXCONNECT_PAGE_ITEMS: '10' };
let here: RetryPlant;
beforeAll(async () => {
  // Pages of ten items and short histories: the retry takes several runs.
  here = await RetryPlant.start(['limit.historyCount.suggestContinueAsNew=60']);
});
afterAll(() => here.stop());

test('a worker killed in the middle of a retry: another goes on, over runs that continue as new, and the whole is exact', async () => {
  const first = await here.plant.worker(SMALL_PAGES);
  const folder = path.join(here.plant.folder, 'many');
  const names = Array.from({ length: 300 }, (_, n) => `f${String(n).padStart(3, '0')}`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, `file ${name}`])));
  here.plant.standin.setFaults(['ok', '400 times=250']);
  const scan = await here.plant.start({}, { source: here.plant.source(folder), job: 'job-killed' });
  expect((await scan.result()).counters.outcomes).toMatchObject({ failed: 250, clean: 50 });
  here.plant.standin.reset();
  here.plant.standin.setOptions({ latencyMs: 100, workers: 4 });
  const running = await here.retry(scan.job);
  const begun = await here.plant.client.workflow.getHandle(running.workflowId).describe();
  await here.plant.untilPart(running.job);
  first.kill('SIGKILL');
  await first.gone;
  here.plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  await here.plant.worker(SMALL_PAGES);
  expect(await running.result()).toMatchObject({ state: 'completed', listed: 250 });
  const last = await here.plant.client.workflow.getHandle(running.workflowId).describe();
  expect(last.runId).not.toBe(begun.runId);
  const ended = await here.client.job(running.job);
  expect(ended.whole).toMatchObject({ state: 'completed', listed: 300, counters: { outcomes: { clean: 300 } } });
  await here.expectWhole([scan.job, running.job]);
}, 60_000);
