import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scheduleRuns } from '../../schedules/runs.ts';
import { createScheduleStore } from '../../schedules/store.ts';
import { writeMany } from '../support/files.ts';
import { otherVersion } from '../support/other-version.ts';
import { Plant } from '../support/plant.ts';
import { until } from '../support/stage.ts';

const INSTANT = { latencyMs: 0, workers: 1_000 } as const;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 100, workers: 4 });
  mkdirSync(path.join(plant.home, 'state'), { recursive: true });
  const connector = `connectors:\n  - { id: share, kind: filesystem, asset: ${plant.folder} }\n`;
  writeFileSync(path.join(plant.home, 'state', 'dsx-connect.yaml'), connector);
  writeMany(plant.folder, 300);
});
afterAll(() => plant.stop());

it('a run moves to a new version with its scan, and is told the end there; it is listed once', async () => {
  const versioned = { DSXCONNECT_WORKER_VERSIONING: 'current', DSXCONNECT_PAGE_ITEMS: '50' };
  await plant.worker(versioned);
  const store = createScheduleStore(plant.client);
  await store.create({
    id: 'moved',
    connector: 'share',
    mode: 'full',
    spec: { cron: ['@yearly'] },
    overlap: 'skip',
    scan: { scanner: 'standin' },
    managed: 'api',
    revision: 1,
    createdBy: 'test',
    createdAt: new Date().toISOString(),
  });
  await store.trigger('moved');
  const runs = () => scheduleRuns(plant.client, 'moved', 10);
  await until(async () => (await runs()).some((run) => run.outcome === 'started'));
  const [begun] = await runs();
  const run = plant.client.workflow.getHandle(begun?.run ?? '');
  const { runId: first } = await run.describe();
  await plant.worker(versioned, otherVersion(path.join(plant.home, 'next')));
  await until(async () => (await run.describe()).runId !== first, 30_000);
  await expect(store.trigger('moved')).rejects.toMatchObject({ code: 'schedule_running' });
  plant.standin.setOptions(INSTANT);
  await until(async () => (await runs()).every((one) => !one.running), 40_000);
  expect(await runs()).toMatchObject([{ outcome: 'started', state: 'completed', job: begun?.job, at: begun?.at }]);
}, 120_000);
