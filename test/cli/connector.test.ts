import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, edit, remove, show } from '../../cli/commands/connector.ts';
import { changedFields } from '../../cli/job/connector-fields.ts';
import { type Api, startApi } from '../api/fixture.ts';
import { fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing } from './samples.ts';

let api: Api;
let folder: string;
beforeAll(async () => {
  api = await startApi();
  folder = mkdtempSync(path.join(tmpdir(), 'dsx-connector-'));
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

function here(up = true) {
  const stacks = fakeStacks(api.origin);
  if (up) stacks.up = fakeStack(api.origin);
  return { ...capturing(), stacks, env: { DSX_HOME: api.home } };
}

describe('dsx connector', () => {
  it('makes, shows, changes and deletes', async () => {
    const made = here();
    await create('one', { kind: 'filesystem', set: ['asset=/srv/one', 'filter=*.docx'] }, made);
    expect(made.out()).toContain('one        filesystem  -     nothing  -      /srv/one');
    expect(made.out()).toContain('try it with: dsx check one');
    const shown = here();
    await show('one', {}, shown);
    expect(shown.out()).toMatch(
      /revision 1, .* by local\n\nasset: \/srv\/one\nfilter: "\*\.docx"\nid: one\nkind: filesystem/,
    );
    const changed = here();
    await edit('one', { set: ['action=delete'], unset: ['filter'], json: true }, changed);
    expect(JSON.parse(changed.out())).toMatchObject({
      revision: 2,
      action: 'delete',
      filter: '',
      definition: { id: 'one', kind: 'filesystem', asset: '/srv/one', action: 'delete' },
    });
    const gone = here();
    await remove('one', {}, gone);
    expect(gone.out()).toBe('connector one is deleted\n');
    await expect(show('one', {}, here())).rejects.toMatchObject({ code: 'connector_not_found', exit: 2 });
  });

  it('takes its fields from a file, as they stand in the configuration file', async () => {
    const file = path.join(folder, 'two.yaml');
    writeFileSync(file, '- id: two\n  kind: filesystem\n  asset: /srv/two\n  watch:\n    pull:\n      files: {}\n');
    const made = here();
    await create('two', { file, json: true }, made);
    expect(JSON.parse(made.out())).toMatchObject({ id: 'two', watched: true, asset: '/srv/two' });
    await expect(create('three', { file }, here())).rejects.toMatchObject({ code: 'usage', exit: 2 });
    await create('three', { kind: 'filesystem', set: ['asset=/srv/three'] }, here());
    await expect(edit('three', { file }, here())).rejects.toThrow('the fields are about two, not three');
    await remove('three', {}, here());
  });

  it('says what can not be', async () => {
    await expect(create('x', { set: ['asset=/srv'] }, here())).rejects.toMatchObject({ code: 'usage' });
    await expect(create('x', { kind: 'filesystem', set: ['asset=srv'] }, here())).rejects.toMatchObject({
      code: 'request_invalid',
      exit: 2,
    });
    await expect(edit('share', { set: ['asset=/srv'] }, here())).rejects.toMatchObject({ code: 'connector_managed' });
    await expect(create('x', { kind: 'filesystem' }, here(false))).rejects.toMatchObject({ code: 'no_stack', exit: 5 });
  });
});

describe('the fields of a connector', () => {
  it('are set as text, lists and fields within fields', () => {
    const set = ['asset=[a, b/c]', 'filter=*.docx', 'watch.reconcile=1h', 'x=a=b', 'empty='];
    expect(changedFields({ watch: { webhook: [] } }, { set })).toEqual({
      asset: ['a', 'b/c'],
      filter: '*.docx',
      watch: { webhook: [], reconcile: '1h' },
      x: 'a=b',
      empty: '',
    });
    const before = { watch: { reconcile: '1h', pull: {} } };
    expect(changedFields(before, { unset: ['watch.pull'] })).toEqual({ watch: { reconcile: '1h' } });
    expect(before).toEqual({ watch: { reconcile: '1h', pull: {} } });
  });

  it('are refused where they can not be read', () => {
    for (const options of [
      { set: ['asset'] },
      { set: ['=x'] },
      { set: ['asset=[a'] },
      { unset: ['asset'] },
      { file: path.join(folder, 'none') },
    ]) {
      expect(() => changedFields({}, options)).toThrow(expect.objectContaining({ code: 'usage', exit: 2 }));
    }
  });
});
