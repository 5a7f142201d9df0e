import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiClient, ApiError } from '../../api/client.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
let apis: RealApi[];
let client: ApiClient;
beforeAll(async () => {
  plant = await Plant.start();
  mkdirSync(path.join(plant.home, 'state'), { recursive: true });
  const share = { id: 'share', kind: 'filesystem', asset: plant.folder };
  writeFileSync(path.join(plant.home, 'state', 'dsx-connect.yaml'), JSON.stringify({ connectors: [share] }));
  apis = await Promise.all([startRealApi(plant), startRealApi(plant)]);
  client = (apis[0] as RealApi).client;
});
afterAll(async () => {
  await Promise.all(apis.map((api) => api.stop()));
  await plant.stop();
});

const plan = { connector: 'share', scanner: 'standin', cron: '@daily' };
/** The API process that a request goes to: every second one to each. */
const at = (turn: number): ApiClient => (apis[turn % 2] as RealApi).client;
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof ApiError ? error.code : String(error)),
  );

it('of many who change the revision that they saw one does, whichever process they ask', async () => {
  await client.createSchedule({ id: 'many', ...plan });
  for (let revision = 1; revision <= 3; revision++) {
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, turn) =>
        outcome(at(turn).replaceSchedule('many', { ...plan, cron: `${turn} ${revision} * * *`, revision })),
      ),
    );
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['done', 'schedule_changed']));
    const now = await client.schedule('many');
    expect(now.revision).toBe(revision + 1);
    expect(JSON.stringify(now.spec)).toContain(`${outcomes.indexOf('done')} ${revision} * * *`);
  }
});

it('a change takes no pause back that comes in between', async () => {
  await client.createSchedule({ id: 'paused', ...plan });
  for (let revision = 1; revision <= 6; revision++) {
    await client.resumeSchedule('paused');
    const [changed] = await Promise.all([
      outcome(at(0).replaceSchedule('paused', { ...plan, cron: `${revision} 1 * * *`, revision })),
      at(1).pauseSchedule('paused', 'stop'),
    ]);
    expect([changed, (await client.schedule('paused')).paused]).toEqual(['done', true]);
  }
});

it('what was changed since it was seen is not deleted', async () => {
  for (let turn = 0; turn < 4; turn++) {
    const id = `gone-${turn}`;
    await client.createSchedule({ id, ...plan });
    const [deleted, changed] = await Promise.all([
      fetch(`${at(1).origin}${API_PREFIX}/schedules/${id}`, { method: 'DELETE', headers: { 'if-match': '"1"' } }),
      outcome(at(0).replaceSchedule(id, { ...plan, cron: '@hourly', revision: 1 })),
    ]);
    // Whoever was second is refused.
    expect([
      [200, 'schedule_changed'],
      [200, 'schedule_not_found'],
      [412, 'done'],
    ]).toContainEqual([deleted.status, changed]);
  }
});
