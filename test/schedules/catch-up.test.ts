import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { scheduleRuns } from '../../schedules/runs.ts';
import { createScheduleStore } from '../../schedules/store.ts';
import { until } from '../support/stage.ts';
import { startTemporal } from '../support/temporal.ts';

it('a time that came while Temporal was away is made up for, once, for an hour', async () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'dsx-catch-up-'));
  const dbFile = path.join(home, 'temporal.db');
  const before = await startTemporal({ dbFile });
  const port = Number(before.address.split(':')[1]);
  const client = new Client({ connection: await Connection.connect({ address: before.address }) });
  const store = createScheduleStore(client);
  const every = 3_600;
  const time = Math.ceil(Date.now() / 1000) + 5;
  await store.create({
    id: 'away',
    connector: 'share',
    mode: 'full',
    spec: { every, offset: time % every },
    overlap: 'skip',
    scan: {},
    managed: 'api',
    revision: 1,
    createdBy: 'test',
    createdAt: new Date().toISOString(),
  });
  const { policies } = await client.schedule.getHandle('dsx-schedule:away').describe();
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: every * 1000 });
  await before.stop();
  await pause(time * 1000 + 2_000 - Date.now());
  const after = await startTemporal({ dbFile, port });
  try {
    await until(async () => (await scheduleRuns(client, 'away', 10)).length > 0, 30_000);
    const runs = await scheduleRuns(client, 'away', 10);
    expect(runs.map((run) => run.at)).toEqual([new Date(time * 1000).toISOString()]);
    expect(Date.parse(runs[0]?.startedAt ?? '')).toBeGreaterThanOrEqual(time * 1000 + 2_000);
    expect((await store.get('away')).counts).toMatchObject({ runs: 1, missed: 0 });
  } finally {
    await client.connection.close();
    await after.stop('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
}, 90_000);
