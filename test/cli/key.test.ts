import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../cli/commands/audit.ts';
import { createKey, listKeys, revokeKey, rotate, rotateKey } from '../../cli/commands/key.ts';
import { type Api, startApi } from '../api/fixture.ts';
import { fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing } from './samples.ts';

const BOOTSTRAP = 'canary-key-0123456789abcdef';
let api: Api;
beforeEach(async () => {
  api = await startApi({ settings: { key: BOOTSTRAP } });
});
afterEach(() => api.stop());

function here(key = BOOTSTRAP) {
  const stacks = fakeStacks(api.origin);
  stacks.up = fakeStack(api.origin, { apiKey: key });
  const { output, out, err } = capturing();
  return { stacks, env: { DSX_HOME: api.home }, output, out, err };
}

test('create prints the key alone on stdout, and the list never does', async () => {
  const made = here();
  await createKey('ci', { role: 'operator', expires: '2099-01-01T00:00:00.000Z' }, made);
  expect(made.out()).toMatch(/^dsx_[0-9a-f]{16}_[\w-]{43}\n$/);
  expect(made.err()).toMatch(/of ci \(operator, until 2099-01-01T00:00:00.000Z\); it is shown this once/);
  const listed = here();
  await listKeys({}, listed);
  expect(listed.out()).toMatch(/ID +NAME +ROLE[\s\S]*ci +operator +live +2099/);
  expect(listed.out()).not.toContain(made.out().trim().slice(21));
  await expect(listKeys({}, here(made.out().trim()))).rejects.toMatchObject({ code: 'forbidden', exit: 2 });
});

test('rotate and revoke take a name while one live key has it, else an id', async () => {
  const made = here();
  await createKey('ci', { role: 'viewer' }, made);
  const rotated = here();
  await rotateKey('ci', { grace: 3_600, json: true }, rotated);
  const { replaces, id } = JSON.parse(rotated.out()) as { replaces: string; id: string };
  await expect(revokeKey('ci', {}, here())).rejects.toMatchObject({ code: 'no_such_key', exit: 2 });
  const revoked = here();
  await revokeKey(replaces, {}, revoked);
  expect(revoked.out()).toBe(`key ${replaces} of ci is revoked\n`);
  await revokeKey('ci', {}, here());
  const listed = here();
  await listKeys({ json: true }, listed);
  const { keys } = JSON.parse(listed.out()) as { keys: { id: string; state: string }[] };
  expect(keys.map((key) => key.state)).toEqual(['revoked', 'revoked']);
  expect(keys.map((key) => key.id)).toEqual([replaces, id]);
});

test('rotate is of a key of the API or of a remote connector, never of both or neither', async () => {
  for (const [named, options] of [
    [undefined, {}],
    ['ci', { connector: 'a' }],
    [undefined, { connector: 'a', expires: '2099-01-01T00:00:00.000Z' }],
  ] as const) {
    await expect(rotate(named, options, here())).rejects.toMatchObject({ code: 'bad_key', exit: 2 });
  }
  const unknown = rotate(undefined, { connector: '7c9e6679-7425-40de-944b-e07fc1f90ae7', grace: 0 }, here());
  await expect(unknown).rejects.toMatchObject({ code: 'connector_not_found', exit: 2 });
  await createKey('ci', { role: 'viewer' }, here());
  const rotated = here();
  await rotate('ci', {}, rotated);
  expect(rotated.out()).toMatch(/^dsx_/);
});

test('audit tells who did what', async () => {
  await createKey('ci', { role: 'viewer' }, here());
  const told = here();
  await audit({ limit: 10 }, told);
  expect(told.out()).toMatch(/^\S+Z {2}api-key {2}POST \/keys {2}201\n$/);
});

test('without a stack it says how to start one', async () => {
  const nowhere = here();
  nowhere.stacks.up = undefined;
  await expect(listKeys({}, nowhere)).rejects.toMatchObject({ code: 'no_stack', exit: 2 });
});
