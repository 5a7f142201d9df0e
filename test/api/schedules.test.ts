import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from '../../api/client.ts';
import { API_PREFIX, type CreateScheduleBody } from '../../api/contract.ts';
import { createScheduleStore } from '../../schedules/store.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';
import { until } from '../support/stage.ts';

let plant: Plant;
let api: RealApi;
let client: ApiClient;

beforeAll(async () => {
  plant = await Plant.start();
  mkdirSync(path.join(plant.home, 'state'), { recursive: true });
  const connectors = ['share', 'far'].map((id) => `  - id: ${id}\n    kind: filesystem\n    asset: ${plant.folder}\n`);
  writeFileSync(path.join(plant.home, 'state', 'dsx-connect.yaml'), `connectors:\n${connectors.join('')}`);
  writeMany(plant.folder, 20);
  api = await startRealApi(plant);
  client = api.client;
});
afterAll(async () => {
  await api.stop();
  await plant.stop();
});

const nightly: CreateScheduleBody = {
  id: 'nightly',
  connector: 'share',
  cron: '30 2 * * mon-fri',
  timeZone: 'Europe/Zurich',
  scanner: 'standin',
  action: 'tag',
  limits: { itemsInFlight: 5 },
};

const refusal = async (call: Promise<unknown>): Promise<string> => {
  const error = await call.then(
    () => undefined,
    (refused: { status: number; code: string; message: string }) => refused,
  );
  return `${error?.status} ${error?.code}: ${error?.message}`;
};

describe('schedules', () => {
  it('are looked at before they are made, and nothing is made by that', async () => {
    const preview = await client.previewSchedule({ ...nightly, startAt: '2027-03-25T12:00:00Z' });
    expect(preview.when).toBe('cron "30 2 * * mon-fri", Europe/Zurich; from 2027-03-25T12:00:00Z');
    expect(preview.next.slice(0, 2)).toEqual(['2027-03-26T01:30:00.000Z', '2027-03-29T00:30:00.000Z']);
    expect(preview.next).toHaveLength(10);
    expect(await refusal(client.schedule('nightly'))).toMatch(/^404 schedule_not_found/);
  });

  it('are made, shown, changed by the revision that was seen, and deleted', async () => {
    const made = await client.createSchedule({ ...nightly, paused: true, note: 'not yet' });
    expect(made).toMatchObject({
      id: 'nightly',
      connector: 'share',
      mode: 'full',
      overlap: 'skip',
      scan: { scanner: 'standin', action: 'tag' },
      limits: { itemsInFlight: 5 },
      managed: 'api',
      revision: 1,
      createdBy: 'local',
      paused: true,
      note: 'not yet',
      next: [],
    });
    expect(await refusal(client.createSchedule(nightly))).toMatch(/^409 schedule_exists/);
    const { id, ...body } = nightly;
    const changed = await client.replaceSchedule(id, { ...body, cron: '@hourly', overlap: 'buffer_one', revision: 1 });
    expect(changed).toMatchObject({ revision: 2, overlap: 'buffer_one', updatedBy: 'local', paused: true });
    expect(changed).toMatchObject({ note: 'not yet', createdAt: made.createdAt });
    expect(await refusal(client.replaceSchedule(id, { ...body, revision: 1 }))).toMatch(/^409 schedule_changed/);
    const edit = async (method: string, match: string, change?: object) => {
      const response = await fetch(`${client.origin}${API_PREFIX}/schedules/${id}`, {
        method,
        headers: { 'if-match': match, 'content-type': 'application/json' },
        ...(change !== undefined && { body: JSON.stringify(change) }),
      });
      return response.status;
    };
    expect(await edit('PUT', '"1"', body)).toBe(412);
    expect(await edit('PUT', '"1"', { ...body, revision: 2 })).toBe(412);
    expect(await edit('DELETE', '"1"')).toBe(412);
    expect((await client.resumeSchedule(id)).next).toHaveLength(10);
    expect(await client.pauseSchedule(id, 'holidays')).toMatchObject({ paused: true, note: 'holidays' });
    expect(await client.deleteSchedule(id)).toEqual({ id, deleted: true });
    expect(await refusal(client.schedule(id))).toMatch(/^404 schedule_not_found/);
  });

  it('that can not be are refused, with the field and what to write', async () => {
    const refused = (change: Partial<CreateScheduleBody>) =>
      refusal(client.createSchedule({ ...nightly, ...change } as CreateScheduleBody));
    expect(await refused({ cron: '30 25 * * *' })).toMatch(
      /^400 request_invalid: body: cron: hour: "25" does not fit; it takes 0 to 23/,
    );
    expect(await refused({ cron: '30 2 * * moo' })).toMatch(
      /cron: day of week: "moo" does not fit; it takes 0 to 7 or sun to sat/,
    );
    expect(await refused({ cron: '30 2 * *' })).toMatch(/it has five fields .* and here are 4/);
    expect(await refused({ cron: '0 0 31 2 *' })).toMatch(/none of its months has a day 31/);
    expect(await refused({ timeZone: 'Europe/Zürich' })).toMatch(
      /timeZone: there is no time zone "Europe\/Zürich"; name one as/,
    );
    expect(await refused({ every: 60 })).toMatch(/name only one of them/);
    expect(await refused({ endAt: '2020-01-01T00:00:00Z' })).toMatch(/endAt: no time comes any more/);
    expect(await refused({ startAt: 'tomorrow' })).toMatch(/startAt: must be a moment/);
    expect(await refused({ connector: 'nowhere' })).toMatch(/^404 connector_not_found: .*Configured: share, far/);
    expect(await refused({ filter: '"' })).toMatch(/^400 filter_invalid/);
    expect(await refused({ scanner: 'other' })).toMatch(/^409 scanner_unknown/);
    expect(await refused({ id: 'Nightly' })).toMatch(/id: must be 1 to 63 lower-case/);
    const future = { start: '2026-01-01T00:00:00Z', end: '2099-01-01T00:00:00Z' };
    expect(await refusal(client.backfillSchedule('nightly', future))).toMatch(/end: must lie in the past/);
    expect(await refusal(client.schedule('No-such'))).toMatch(/^404 schedule_not_found/);
  });

  it('of the configuration file are paused and triggered, but not changed', async () => {
    const store = createScheduleStore(plant.client);
    await store.create({
      id: 'filed',
      connector: 'share',
      mode: 'full',
      spec: { every: 3600 },
      overlap: 'skip',
      scan: {},
      managed: 'file',
      revision: 1,
      createdBy: 'dsx-connect.yaml',
      createdAt: new Date().toISOString(),
    });
    const { id, ...body } = nightly;
    expect(await refusal(client.replaceSchedule('filed', { ...body, revision: 1 }))).toMatch(
      /^409 schedule_managed.*dsx-connect\.yaml/,
    );
    expect(await refusal(client.deleteSchedule('filed'))).toMatch(/^409 schedule_managed/);
    expect(await client.pauseSchedule('filed')).toMatchObject({ paused: true, note: 'paused by local', id: 'filed' });
    await store.delete('filed');
    expect(id).toBe('nightly');
  });

  it('are listed by id, a hundred of them in pages', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `many-${String(i).padStart(3, '0')}`);
    for (let at = 0; at < ids.length; at += 10) {
      await Promise.all(ids.slice(at, at + 10).map((id) => client.createSchedule({ ...nightly, id, paused: true })));
    }
    const listed = async (): Promise<string[]> => {
      const found: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await client.schedules({ limit: 40, ...(after !== undefined && { after }) });
        found.push(...page.schedules.map(({ id }) => id));
        if (page.next === undefined) return found;
        after = page.next;
      }
    };
    await until(async () => (await listed()).length === ids.length);
    expect(await listed()).toEqual(ids);
  }, 60_000);

  it('have runs with their jobs, and a trigger that starts one', async () => {
    await plant.worker();
    await client.createSchedule({ ...nightly, id: 'runs', action: 'nothing' });
    await client.triggerSchedule('runs');
    const runs = async () => (await client.scheduleRuns('runs')).runs;
    await until(async () => (await runs()).some((run) => !run.running));
    const [run] = await runs();
    expect(run).toMatchObject({ outcome: 'started', state: 'completed', running: false });
    expect(await client.job(run?.job ?? '')).toMatchObject({ actor: 'schedule:runs' });
    expect((await client.scheduleRuns('runs')).counts).toMatchObject({ started: 1, skipped: 0 });
    expect(await client.schedule('runs')).toMatchObject({ counts: { runs: 1, overlapped: 0, missed: 0 } });
  }, 60_000);

  it('two triggers in the same breath: one run', async () => {
    plant.standin.setOptions({ latencyMs: 200, workers: 1 });
    await client.createSchedule({ ...nightly, id: 'twice', connector: 'far', action: 'nothing' });
    await Promise.allSettled([client.triggerSchedule('twice'), client.triggerSchedule('twice')]);
    await until(async () => (await client.scheduleRuns('twice')).runs.some(({ outcome }) => outcome === 'started'));
    expect(await refusal(client.triggerSchedule('twice'))).toMatch(/^409 schedule_running/);
    plant.standin.setOptions({ latencyMs: 0, workers: 100 });
    await until(async () => (await client.scheduleRuns('twice')).runs.every(({ running }) => !running));
    expect((await client.scheduleRuns('twice')).runs).toHaveLength(1);
  }, 60_000);
});

it('with Temporal away, schedules answer 503 and say so', async () => {
  const alone = await startRealApi(plant, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  try {
    const away = createApiClient({ origin: alone.origin });
    expect(await refusal(away.schedules())).toMatch(/^503 temporal_unreachable/);
    expect(await refusal(away.createSchedule(nightly))).toMatch(/^503 temporal_unreachable/);
    expect((await away.previewSchedule(nightly)).next).toHaveLength(10);
  } finally {
    await alone.stop();
  }
}, 30_000);
