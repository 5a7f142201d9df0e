import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SchedulePlan } from '../../domain/schedule/schedule.ts';
import { createScheduleStore, type ScheduleStore } from '../../schedules/store.ts';
import { reconcileSchedules } from '../../workers/schedule-file.ts';
import { until } from '../support/stage.ts';
import { startTemporal, type TemporalServer } from '../support/temporal.ts';

let temporal: TemporalServer;
let client: Client;
let store: ScheduleStore;

beforeAll(async () => {
  temporal = await startTemporal();
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
  store = createScheduleStore(client);
});
afterAll(async () => {
  await client.connection.close();
  await temporal.stop('SIGKILL');
});

const plan = (id: string, every = 3600): SchedulePlan => ({
  id,
  connector: 'share',
  mode: 'full',
  spec: { every },
  overlap: 'skip',
  scan: {},
});
const nothing = { created: [], changed: [], deleted: [], taken: [] };

it('the schedules of the file become those of the file, and no others are touched', async () => {
  await store.create({
    ...plan('mine'),
    managed: 'api',
    revision: 4,
    createdBy: 'ann',
    createdAt: '2026-11-01T00:00:00Z',
  });
  const first = await reconcileSchedules(store, [plan('a'), plan('b'), plan('mine', 60)]);
  expect(first).toEqual({ ...nothing, created: ['a', 'b'], taken: ['mine'] });
  await store.pause('b', 'moving');
  // Lists lag behind.
  await until(async () => (await store.ids('file')).join() === 'a,b');
  expect(await reconcileSchedules(store, [plan('a'), plan('b')])).toEqual(nothing);
  expect(await reconcileSchedules(store, [plan('b', 7200), plan('c')])).toEqual({
    ...nothing,
    created: ['c'],
    changed: ['b'],
    deleted: ['a'],
  });
  expect(await store.get('b')).toMatchObject({
    spec: { every: 7200 },
    managed: 'file',
    revision: 2,
    paused: true,
    note: 'moving',
  });
  expect(await store.get('mine')).toMatchObject({ spec: { every: 3600 }, managed: 'api', revision: 4 });
  await expect(store.get('a')).rejects.toMatchObject({ code: 'schedule_not_found' });
});

it('several orchestrators that start at once agree', async () => {
  const plans = ['d', 'e', 'f'].map((id) => plan(id));
  await until(async () => (await store.ids('file')).join() === 'b,c');
  await Promise.all([
    reconcileSchedules(store, plans),
    reconcileSchedules(store, plans),
    reconcileSchedules(store, plans),
  ]);
  await until(async () => (await store.ids()).join() === 'd,e,f,mine');
});
