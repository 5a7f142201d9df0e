import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionReport, Connector } from '../../connectors/connector.ts';
import { createFilesystemConnector } from '../../connectors/filesystem/connector.ts';
import type { FilesystemSettings } from '../../connectors/filesystem/place.ts';
import type { ActionIntent } from '../../domain/action.ts';
import { asNobody } from './as-nobody.ts';
import { intentOn, listed, rowOf } from './conformance.ts';
import { contentsOf, makeTempStore, otherDevice, type TempStore } from './temp-store.ts';

const signal = new AbortController().signal;
const evil = { location: 'dir/evil' };

let store: TempStore;
beforeEach(async () => {
  store = await makeTempStore();
  await fs.mkdir(at('dir'));
  await fs.writeFile(at('dir/evil'), 'evil bytes', { mode: 0o640 });
});
afterEach(() => store.close());

const at = (location: string) => path.join(store.asset, location);
const connectorWith = (settings: Partial<FilesystemSettings>) =>
  createFilesystemConnector({ id: 'files', asset: store.asset, quarantine: store.quarantine, ...settings });
/** A connector during whose step somebody does something. */
const during = (step: string, body: () => Promise<unknown>, settings: Partial<FilesystemSettings> = {}) =>
  connectorWith({
    ...settings,
    beforeStep: async (name) => {
      if (name === step) await body();
    },
  });
const act = (connector: Connector, intent: ActionIntent): Promise<ActionReport> => connector.act(intent, signal);
const text = async (file: string) => (await fs.readFile(file).catch(() => undefined))?.toString();
const sole = async () => [...(await contentsOf(store.asset))].map(([location, bytes]) => [location, bytes.toString()]);
const aside = async (intent: ActionIntent) => {
  const { findingHash } = await import('../../connectors/action-stop.ts');
  return at(`dir/.dsx-${findingHash(intent.finding)}.moving`);
};

describe('move', () => {
  test('quarantine is ours alone, the file can be read and nothing else, and a record says what it was', async () => {
    await fs.utimes(at('dir/evil'), 1_000, 2_000.5);
    const intent = await intentOn(store.connector, evil, 'movetag');
    await act(store.connector, intent);
    const kept = path.join(store.quarantine, intent.destination as string);
    expect((await fs.stat(store.quarantine)).mode & 0o777).toBe(0o700);
    expect((await fs.stat(path.dirname(kept))).mode & 0o777).toBe(0o700);
    expect((await fs.stat(kept)).mode & 0o777).toBe(0o400);
    expect(JSON.parse((await text(`${kept}.dsx.json`)) ?? '')).toMatchObject({
      format: 'dsx-connect/quarantine/1',
      finding: intent.finding,
      location: 'dir/evil',
      path: at('dir/evil'),
      mode: 0o640,
      mtimeNs: '2000500000000',
      judged: intent.judged,
      provenance: intent.provenance,
    });
    expect(JSON.parse((await text(`${kept}.dsx-tags.json`)) ?? '')).toMatchObject({
      tags: {
        'dsx-verdict': 'Malicious',
        'dsx-threat': 'EICAR _test_',
        'dsx-finding': intent.finding,
        'dsx-stand-in': 'true',
      },
    });
    expect((await fs.readdir(path.dirname(kept))).length).toBe(3);
  });

  test('the record is written before the item is touched, the mark of a deletion too', async () => {
    const seen: string[] = [];
    const look = async () => {
      expect(await text(at('dir/evil'))).toBe('evil bytes');
      seen.push(...(await contentsOf(store.quarantine)).keys());
    };
    const move = await intentOn(store.connector, evil, 'move');
    const report = await act(during('rename-aside', look), move);
    expect(seen).toEqual([`${move.destination}.dsx.json`]);
    await store.connector.restore(rowOf(move, report), signal);
    await act(during('rename-aside', look), await intentOn(store.connector, evil, 'delete'));
    expect(seen.at(-1)).toMatch(/^\.dsx-deleted\/[0-9a-f]{32}\.json$/);
  });

  test('restore gives back permissions, owner and times, and leaves nothing in quarantine', async () => {
    const root = process.getuid?.() === 0;
    if (root) await fs.chown(at('dir/evil'), 1234, 2345);
    await fs.utimes(at('dir/evil'), 1_000, 2_000.5);
    const intent = await intentOn(store.connector, evil, 'movetag');
    const before = await fs.stat(at('dir/evil'));
    const report = await act(store.connector, intent);
    await fs.rm(at('dir'), { recursive: true });
    expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
    const after = await fs.stat(at('dir/evil'));
    for (const fact of ['mode', 'uid', 'gid', 'mtimeMs', 'size'] as const) expect(after[fact]).toBe(before[fact]);
    expect(await contentsOf(store.quarantine)).toEqual(new Map());
  });

  test('restore refuses bytes that are not those that were moved', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    const row = rowOf(intent, await act(store.connector, intent));
    const kept = path.join(store.quarantine, intent.destination as string);
    await fs.chmod(kept, 0o600);
    await fs.writeFile(kept, 'evil bytez');
    expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect(await sole()).toEqual([]);
    expect(
      (await store.connector.restore({ ...row, undo: { ...row.undo, destination: '../asset/x' } }, signal)).state,
    ).toBe('failed');
  });

  test('the other names of a file stay as they are, permissions too, and the report tells of them', async () => {
    await fs.link(at('dir/evil'), at('dir/second'));
    const intent = await intentOn(store.connector, evil, 'move');
    expect(await act(store.connector, intent)).toMatchObject({
      state: 'done',
      note: expect.stringContaining('1 other name'),
    });
    expect((await fs.stat(at('dir/second'))).mode & 0o777).toBe(0o640);
    expect(await sole()).toEqual([['dir/second', 'evil bytes']]);
    expect(await act(store.connector, intent)).toMatchObject({ state: 'done', code: 'already_applied' });
  });

  test.each(['move', 'delete'] as const)(
    '%s is not taken for done while the judged file is in its place',
    async (action) => {
      await fs.link(at('dir/evil'), at('dir/second'));
      const intent = await intentOn(store.connector, evil, action);
      expect(await act(store.connector, intent)).toMatchObject({ state: 'done' });
      // As after an attempt that gave the item back, and died before it withdrew its traces.
      await fs.rename(at('dir/second'), at('dir/evil'));
      expect(await act(store.connector, intent)).toMatchObject({ state: 'refused', code: 'version_changed' });
      expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
    },
  );

  test('a file that comes while the item is taken keeps its place', async () => {
    const replace = async () => {
      await fs.writeFile(at('dir/new'), 'new bytes!');
      await fs.rename(at('dir/new'), at('dir/evil'));
    };
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await act(during('rename-aside', replace), intent);
    expect(report).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect(report.current).toEqual(await store.connector.stat(evil, signal));
    expect(await sole()).toEqual([['dir/evil', 'new bytes!']]);
    expect(await contentsOf(store.quarantine)).toEqual(new Map());
  });

  test('bytes that a writer changes meanwhile, and hides by the modification time, are not moved', async () => {
    const sneak = async () => {
      const { atime, mtime } = await fs.stat(at('dir/evil'));
      await fs.writeFile(at('dir/evil'), 'good bytes', { flag: 'r+' });
      await fs.utimes(at('dir/evil'), atime, mtime);
    };
    await fs.utimes(at('dir/evil'), 1_000, 2_000);
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await act(during('rename-aside', sneak), intent);
    expect(report).toMatchObject({ state: 'refused', code: 'version_changed', current: { location: 'dir/evil' } });
    expect(await sole()).toEqual([['dir/evil', 'good bytes']]);
    expect(await contentsOf(store.quarantine)).toEqual(new Map());
  });

  test('what cannot get its name back is told, with where it is', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    const occupied = during('link-destination', async () => {
      await fs.writeFile(at('dir/evil'), 'newer');
      await store.occupy(intent.destination as string, Buffer.from('theirs'));
    });
    const report = await act(occupied, intent);
    expect(report).toMatchObject({
      state: 'failed',
      code: 'destination_taken',
      note: expect.stringContaining('.moving'),
    });
    expect(await text(at('dir/evil'))).toBe('newer');
    expect(await text(await aside(intent))).toBe('evil bytes');
    expect((await listed(store.connector)).length).toBe(2);
  });

  test('a failure after the item was taken gives it back, and says which version that made', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    const occupied = during('link-destination', () =>
      store.occupy(intent.destination as string, Buffer.from('theirs')),
    );
    const report = await act(occupied, intent);
    expect(report).toMatchObject({ state: 'failed', code: 'destination_taken' });
    expect(report.made).toEqual([(await store.connector.stat(evil, signal)).version]);
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
    expect(await store.quarantined(intent.destination as string)).toEqual(Buffer.from('theirs'));
    expect(await text(`${path.join(store.quarantine, intent.destination as string)}.dsx.json`)).toBeUndefined();
  });

  test('a private name that is somebody else’s gets its own name back, or stays', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    await fs.writeFile(await aside(intent), 'a stranger');
    expect(await act(store.connector, intent)).toMatchObject({ state: 'failed' });
    expect(await text(at('dir/evil'))).toBe('evil bytes');
    expect(await text(await aside(intent))).toBe('a stranger');
  });

  test('a death while the item was given back is mended', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    await fs.link(at('dir/evil'), await aside(intent));
    expect(await act(store.connector, intent)).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
  });

  test('an abort at any step leaves the item whole in one place', async () => {
    for (const step of [
      'make-quarantine',
      'write-record',
      'rename-aside',
      'link-destination',
      'unlink-aside',
      'protect',
    ]) {
      const stop = new AbortController();
      const intent = await intentOn(store.connector, evil, 'move', `job-1/${step}`);
      const aborting = during(step, async () => stop.abort(new Error('stop')));
      const report = await aborting.act(intent, stop.signal).catch(() => undefined);
      const kept = (await store.quarantined(intent.destination as string))?.toString();
      expect([report?.state, await text(at('dir/evil')), kept]).toEqual(
        report ? ['done', undefined, 'evil bytes'] : [undefined, 'evil bytes', undefined],
      );
      expect((await sole()).length).toBe(report ? 0 : 1);
      if (report) await fs.writeFile(at('dir/evil'), 'evil bytes');
    }
  });

  test('a folder of the path that becomes a link leads nowhere', async () => {
    await fs.mkdir(path.join(store.base, 'outside'));
    await fs.writeFile(path.join(store.base, 'outside/evil'), 'evil bytes');
    for (const action of ['move', 'delete', 'tag'] as const) {
      await fs.mkdir(at(action));
      await fs.writeFile(at(`${action}/evil`), 'evil bytes');
      const intent = await intentOn(store.connector, { location: `${action}/evil` }, action, `job-1/${action}`);
      await fs.rm(at(action), { recursive: true });
      await fs.symlink(path.join(store.base, 'outside'), at(action));
      expect((await act(store.connector, intent)).state).not.toBe('done');
    }
    expect([...(await contentsOf(path.join(store.base, 'outside'))).keys()]).toEqual(['evil']);
  });

  test('an item that has become a link or a folder is another version', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    await fs.rename(at('dir/evil'), path.join(store.base, 'target'));
    await fs.symlink(path.join(store.base, 'target'), at('dir/evil'));
    const report = await act(store.connector, intent);
    expect(report).toMatchObject({ state: 'refused', code: 'version_changed', current: { skip: 'link' } });
    expect(await text(path.join(store.base, 'target'))).toBe('evil bytes');
    await fs.unlink(at('dir/evil'));
    await fs.mkdir(at('dir/evil'));
    expect(await act(store.connector, intent)).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect((await fs.stat(at('dir/evil'))).isDirectory()).toBe(true);
  });

  test('nothing in quarantine is acted on as an item', async () => {
    const inside = connectorWith({ quarantine: at('q') });
    const intent = await intentOn(inside, evil, 'move');
    await act(inside, intent);
    const kept = { location: `q/${intent.destination}` };
    expect(await act(inside, { ...intent, item: kept })).toMatchObject({ state: 'failed', code: 'not_supported' });
  });

  test('without a quarantine folder a move is not supported, and nothing is touched', async () => {
    const bare = createFilesystemConnector({ id: 'files', asset: store.asset });
    expect(await act(bare, await intentOn(bare, evil, 'move'))).toMatchObject({
      state: 'failed',
      code: 'not_supported',
    });
    expect((await bare.check('move', signal)).ok).toBe(false);
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
  });
});

describe('an asset that is one file', () => {
  test('moves, and comes back', async () => {
    const connector = connectorWith({ asset: at('dir/evil') });
    const intent = await intentOn(connector, { location: 'evil' }, 'move');
    const report = await act(connector, intent);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(await sole()).toEqual([]);
    expect(await act(connector, intent)).toMatchObject({ state: 'done', code: 'already_applied' });
    expect(await connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
  });
});

describe('delete', () => {
  test('without quarantine it is done once, and a repeat says only what it can know', async () => {
    const bare = createFilesystemConnector({ id: 'files', asset: store.asset });
    const intent = await intentOn(bare, evil, 'delete');
    expect(await act(bare, intent)).toEqual({ state: 'done', code: 'applied' });
    expect(await act(bare, intent)).toMatchObject({ state: 'failed', code: 'not_found' });
  });

  test('a private name that a death left behind is deleted, whatever has the name by now', async () => {
    const bare = createFilesystemConnector({ id: 'files', asset: store.asset });
    const intent = await intentOn(bare, evil, 'delete');
    await fs.rename(at('dir/evil'), await aside(intent));
    await fs.writeFile(at('dir/evil'), 'newer');
    expect(await act(bare, intent)).toMatchObject({ state: 'done', code: 'applied' });
    expect(await sole()).toEqual([['dir/evil', 'newer']]);
  });
});

describe('tag', () => {
  test('adds to the tags that are there', async () => {
    await act(store.connector, await intentOn(store.connector, evil, 'tag', 'job-1/0-1:1'));
    const first = JSON.parse((await text(at('dir/evil.dsx-tags.json'))) ?? '');
    const second = await intentOn(store.connector, evil, 'tag', 'job-2/0-1:1');
    const { threatType: _, ...provenance } = second.provenance;
    await act(store.connector, { ...second, provenance: { ...provenance, job: 'job-2' } });
    const now = JSON.parse((await text(at('dir/evil.dsx-tags.json'))) ?? '');
    expect(now.tags).toEqual({ ...first.tags, 'dsx-job': 'job-2', 'dsx-finding': 'job-2/0-1:1' });
  });

  test('a file of somebody else under the side-car’s name stays', async () => {
    await fs.writeFile(at('dir/evil.dsx-tags.json'), '{"mine": true}');
    const intent = await intentOn(store.connector, evil, 'tag');
    expect(await act(store.connector, intent)).toMatchObject({ state: 'failed', code: 'destination_taken' });
    expect(await text(at('dir/evil.dsx-tags.json'))).toBe('{"mine": true}');
  });

  test('a name without room for the ending gets a hidden side-car, which is not listed either', async () => {
    const item = { location: `dir/${'n'.repeat(255)}` };
    await fs.writeFile(at(item.location), 'x');
    const intent = await intentOn(store.connector, item, 'tag');
    expect(await act(store.connector, intent)).toMatchObject({ state: 'done', code: 'applied' });
    expect(await act(store.connector, intent)).toMatchObject({ state: 'done', code: 'already_applied' });
    expect((await listed(store.connector)).map((one) => one.location)).toEqual(['dir/evil', item.location]);
    expect((await fs.readdir(at('dir'))).filter((name) => name.endsWith('.dsx-tags.json')).length).toBe(1);
  });

  test('a change while the side-car is written is told, and the side-car withdrawn', async () => {
    const intent = await intentOn(store.connector, evil, 'tag');
    const report = await act(
      during('write-side-car', () => fs.appendFile(at('dir/evil'), '!')),
      intent,
    );
    expect(report).toMatchObject({ state: 'refused', code: 'version_changed', current: { size: 11 } });
    expect(await sole()).toEqual([['dir/evil', 'evil bytes!']]);
  });
});

describe('what the storage refuses', () => {
  test('no permission in the folder: reported, the item in its place', async () => {
    await fs.chmod(store.base, 0o755);
    await fs.chmod(at('dir/evil'), 0o644);
    const quarantine = path.join(store.base, 'open-quarantine');
    await fs.mkdir(quarantine);
    await fs.chmod(quarantine, 0o777);
    for (const action of ['move', 'movetag', 'delete', 'tag']) {
      const { answer } = await asNobody({ do: 'act', asset: store.asset, quarantine, location: 'dir/evil', action });
      expect(answer).toMatchObject({ state: 'failed', code: 'permission_denied' });
    }
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
    const left = [...(await contentsOf(quarantine)).keys()];
    expect(left).toEqual([]);
    expect(await asNobody({ do: 'check', asset: store.asset, quarantine, action: 'delete' })).toMatchObject({
      answer: { ok: false },
    });
  });

  test('a quarantine that cannot be made: reported, the item in its place', async () => {
    await fs.writeFile(path.join(store.base, 'file'), '');
    const connector = connectorWith({ quarantine: path.join(store.base, 'file/quarantine') });
    const report = await act(connector, await intentOn(connector, evil, 'move'));
    expect(report).toMatchObject({ state: 'failed', code: 'storage_error' });
    expect(await sole()).toEqual([['dir/evil', 'evil bytes']]);
    expect((await connector.check('move', signal)).ok).toBe(false);
    expect((await connector.check('tag', signal)).ok).toBe(true);
  });

  test('no space for the copy: reported, the item in its place, no part of it in quarantine', async () => {
    // A limit on the size of files stands in for the full disk: two names make the move copy, and the copy hits the limit.
    await fs.writeFile(at('dir/evil'), Buffer.alloc(200_000, 'e'));
    await fs.link(at('dir/evil'), at('dir/second'));
    await fs.chmod(store.base, 0o777);
    await fs.chmod(store.asset, 0o777);
    await fs.chmod(at('dir'), 0o777);
    await fs.chmod(at('dir/evil'), 0o666);
    const quarantine = path.join(store.base, 'q');
    const { answer } = await asNobody(
      { do: 'act', asset: store.asset, quarantine, location: 'dir/evil', action: 'move' },
      'ulimit -f 100;',
    );
    expect(answer).toMatchObject({ state: 'failed', code: 'no_space' });
    expect((await sole()).map(([location]) => location)).toEqual(['dir/evil', 'dir/second']);
    expect((await fs.stat(at('dir/evil'))).size).toBe(200_000);
    expect(await contentsOf(quarantine)).toEqual(new Map());
  });

  test('the check tells whether items are renamed or copied, and makes no folder', async () => {
    const near = await store.connector.check('move', signal);
    expect(near.checks.at(-1)?.detail).toContain('renamed');
    const away = await otherDevice();
    if (away !== undefined) {
      const far = await connectorWith({ quarantine: path.join(away, 'dsx-check/never/made') }).check('move', signal);
      expect(far).toMatchObject({ ok: true });
      expect(far.checks.at(-1)?.detail).toContain('copied');
      await expect(fs.stat(path.join(away, 'dsx-check'))).rejects.toThrow();
    }
    expect(await fs.readdir(store.base)).toEqual(['asset']);
  });
});
