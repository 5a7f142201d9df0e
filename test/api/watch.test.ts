import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlError } from '../../api/control.ts';
import { sampleWatch } from '../support/samples.ts';
import { type Api, json, startApi } from './fixture.ts';

let api: Api;
const health = sampleWatch({ connector: 'plant-2' });

beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

async function told(path: string, init?: RequestInit): Promise<[number, Record<string, unknown>]> {
  const answer = await api.ask(path, init);
  return [answer.status, (await answer.json()) as Record<string, unknown>];
}

test('a connector that is watched says how, from the status or from its workflow', async () => {
  api.control.watches.set('plant-2', health);
  expect((await told('/connectors/plant-2'))[1]).toMatchObject({ id: 'plant-2', watched: true, watch: health });
  await api.status?.publishWatch({ ...health, revision: 7 });
  expect((await told('/connectors/plant-2'))[1]).toMatchObject({ watch: { revision: 7 } });
  expect((await told('/connectors/share'))[1]).not.toHaveProperty('watch');
});

test('the list says how each watch stands, as far as the status knows', async () => {
  const list = async () => (await told('/connectors'))[1].connectors;
  expect(await list()).not.toContainEqual(expect.objectContaining({ watchState: expect.anything() }));
  await api.status?.publishWatch({ ...health, state: 'held' });
  expect(await list()).toContainEqual(expect.objectContaining({ id: 'plant-2', watchState: 'held' }));
  expect(await list()).toContainEqual(expect.not.objectContaining({ watchState: expect.anything() }));
});

test('a sweep is asked for only where there are sweeps', async () => {
  const sweep = () => told('/connectors/plant-2/watch/sweep', { method: 'POST' });
  api.control.watches.set('plant-2', health);
  expect(await sweep()).toMatchObject([409, { code: 'sweeps_off' }]);
  api.control.watches.set('plant-2', { ...health, sweep: { every: 600, found: 0 } });
  expect(await sweep()).toMatchObject([200, { sweep: { every: 600 } }]);
});

test('a connector is shown all the same when nobody can tell how it is watched', async () => {
  api.control.down = new ControlError('temporal_unreachable', 'gone');
  const [status, body] = await told('/connectors/plant-2');
  expect(status).toBe(200);
  expect(body).not.toHaveProperty('watch');
});

test('watching is paused and resumed, by whom is kept, and only where there is a watch', async () => {
  api.control.watches.set('plant-2', health);
  const [, paused] = await told('/connectors/plant-2/watch/pause', json({ reason: 'rest' }));
  expect(paused).toMatchObject({ state: 'paused', paused: { by: expect.any(String) } });
  expect((await told('/connectors/plant-2/watch/resume', { method: 'POST' }))[1]).toMatchObject({ state: 'watching' });
  expect(await told('/connectors/share/watch/pause', { method: 'POST' })).toMatchObject([404, { code: 'not_watched' }]);
  expect(await told('/connectors/none/watch/pause', { method: 'POST' })).toMatchObject([
    404,
    { code: 'connector_not_found' },
  ]);
});
