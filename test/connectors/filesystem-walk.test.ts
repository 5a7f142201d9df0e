import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListEvent, ListScope, Position } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { createFilesystemConnector } from '../../connectors/filesystem/connector.ts';
import { FolderNames } from '../../connectors/filesystem/folder.ts';
import { findPlace } from '../../connectors/filesystem/place.ts';
import { Walk } from '../../connectors/filesystem/walk.ts';
import { locationBytes } from '../../domain/item.ts';
import { asNobody } from './as-nobody.ts';
import { drain, itemsOf, listed } from './conformance.ts';
import { makeTempStore, otherDevice, type TempStore } from './temp-store.ts';

const run = promisify(execFile);
const signal = new AbortController().signal;
const ALL: ListScope = { includes: () => true, mayEnter: () => true };

let store: TempStore;
beforeEach(async () => {
  store = await makeTempStore();
});
afterEach(() => store.close());

const write = async (location: string, text = 'x') => {
  const file = path.join(store.asset, location);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, text);
};
const locationsIn = async (connector = store.connector, scope = ALL) =>
  (await listed(connector, scope)).map((item) => item.location);

/** What `find` says: every entry that is no folder, by raw bytes. */
async function found(folder: string): Promise<string[]> {
  const { stdout } = await run('find', ['.', '!', '-type', 'd', '-print0'], {
    cwd: folder,
    encoding: 'latin1',
    maxBuffer: 1 << 26,
  });
  return stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.slice(2))
    .sort((a, b) => (a < b ? -1 : 1));
}

describe('what is listed', () => {
  test('links are listed, marked, and never followed; so are FIFOs and sockets', async () => {
    await write('dir/file');
    await fs.symlink('/etc/passwd', path.join(store.asset, 'link-to-file'));
    await fs.symlink('/etc', path.join(store.asset, 'link-to-folder'));
    await fs.symlink('..', path.join(store.asset, 'dir/up'));
    await fs.symlink('nowhere', path.join(store.asset, 'dangling'));
    await run('mkfifo', [path.join(store.asset, 'fifo')]);
    const server = net.createServer().listen(path.join(store.asset, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const items = await listed(store.connector);
      expect(items.map((item) => [item.location, item.skip])).toEqual([
        ['dangling', 'link'],
        ['dir/file', undefined],
        ['dir/up', 'link'],
        ['fifo', 'special'],
        ['link-to-file', 'link'],
        ['link-to-folder', 'link'],
        ['socket', 'special'],
      ]);
      expect(items.map((item) => item.location)).toEqual(await found(store.asset));
    } finally {
      server.close();
    }
  });

  test('devices are special', async () => {
    const connector = createFilesystemConnector({ id: 'dev', asset: '/dev' });
    expect(await connector.stat({ location: 'null' }, signal)).toMatchObject({ skip: 'special' });
    await expect(connector.open({ location: 'null' }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    await expect(connector.open({ location: 'zero' }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
  });

  test('quarantine and our own state are never listed, by whatever path they are named', async () => {
    await write('quarantine-of-theirs/file');
    await write('inner/quarantine/evil');
    await write('inner/quarantine2/good');
    await write('state/ledger/page');
    await fs.symlink(path.join(store.asset, 'inner'), path.join(store.base, 'alias'));
    const connector = createFilesystemConnector({
      id: 'files',
      asset: store.asset,
      quarantine: `${path.join(store.base, 'alias/quarantine')}/`,
      exclude: [path.join(store.asset, 'state')],
    });
    expect(await locationsIn(connector)).toEqual(['inner/quarantine2/good', 'quarantine-of-theirs/file']);
    await expect(connector.open({ location: 'inner/quarantine/evil' }, signal)).rejects.toMatchObject({
      code: 'not_an_item',
    });
    await expect(connector.open({ location: 'state/ledger/page' }, signal)).rejects.toMatchObject({
      code: 'not_an_item',
    });
  });

  test('an asset that lies in its own quarantine or state is a mistake, not an empty listing', async () => {
    for (const settings of [{ quarantine: store.asset }, { quarantine: '/' }, { exclude: [store.base] }]) {
      const connector = createFilesystemConnector({ id: 'files', asset: store.asset, ...settings });
      await expect(listed(connector)).rejects.toMatchObject({ code: 'configuration' });
      expect((await connector.check('nothing', signal)).ok).toBe(false);
    }
  });

  test('an asset that is one file', async () => {
    await write('dir/one', 'bytes');
    await write('dir/two');
    const connector = createFilesystemConnector({ id: 'one', asset: path.join(store.asset, 'dir/one') });
    const items = await listed(connector);
    expect(items.map((item) => [item.location, item.size])).toEqual([['one', 5]]);
    const { positions } = await drain(connector.list(ALL, undefined));
    expect(await listed(connector, ALL, positions[1])).toEqual([]);
    await expect(connector.open({ location: 'two' }, signal)).rejects.toMatchObject({ code: 'not_found' });
    await (await connector.open({ location: 'one' }, signal)).close();
  });

  test('an asset that is not there is unreachable, and one that is no folder a mistake', async () => {
    const missing = createFilesystemConnector({ id: 'm', asset: path.join(store.base, 'missing') });
    await expect(listed(missing)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(missing.open({ location: 'x' }, signal)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(missing.fingerprint(signal)).rejects.toMatchObject({ code: 'unreachable' });
    expect((await missing.check('nothing', signal)).ok).toBe(false);
    await run('mkfifo', [path.join(store.base, 'fifo')]);
    const fifo = createFilesystemConnector({ id: 'f', asset: path.join(store.base, 'fifo') });
    await expect(listed(fifo)).rejects.toMatchObject({ code: 'configuration' });
    const relative = createFilesystemConnector({ id: 'r', asset: 'relative/path' });
    await expect(listed(relative)).rejects.toMatchObject({ code: 'configuration' });
  });

  test('an asset that goes away while it is listed breaks the listing, instead of ending it', async () => {
    for (const location of ['a/1', 'b/1', 'c/1']) await write(location);
    const listing = store.connector.list(ALL, undefined);
    await listing.next(signal);
    await fs.rename(store.asset, `${store.asset}-away`);
    await expect(drain(listing)).rejects.toMatchObject({ code: 'unreachable' });
    // Another folder in its place, as the empty one that a mount covered, is not the end of the listing either.
    await fs.mkdir(store.asset);
    const position = JSON.parse(JSON.stringify(listing.position()));
    await expect(drain(listing)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(listed(store.connector, ALL, position)).rejects.toMatchObject({ code: 'unreachable' });
    await fs.rmdir(store.asset);
    await fs.rename(`${store.asset}-away`, store.asset);
    expect((await listed(store.connector, ALL, position)).map((item) => item.location)).toEqual(['b/1', 'c/1']);
    await fs.rename(store.asset, `${store.asset}-away`);
    await fs.mkdir(store.asset);
    await listing.close();
    await expect(store.connector.open({ location: 'a/1' }, signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('files that go away with the asset are not taken for deleted', async () => {
    for (let i = 100; i < 300; i++) await write(`f${i}`);
    const listing = store.connector.list(ALL, undefined);
    await listing.next(signal);
    await fs.rename(store.asset, `${store.asset}-away`);
    await fs.mkdir(store.asset);
    for (let i = 100; i < 300; i++) await fs.unlink(path.join(`${store.asset}-away`, `f${i}`));
    await expect(drain(listing)).rejects.toMatchObject({ code: 'unreachable' });
    await listing.close();
    // But where the asset stays, they are.
    await fs.rmdir(store.asset);
    await fs.rename(`${store.asset}-away`, store.asset);
    expect(await listed(store.connector, ALL, listing.position())).toEqual([]);
  });

  test('what is missing because its mount is missing is unreachable, not gone', async () => {
    await write('file');
    const away = await otherDevice();
    expect(away).toBeDefined();
    const mountpoint = await fs.mkdtemp(path.join(away as string, 'dsx-fs-'));
    const asset = path.join(store.base, 'mounted');
    await fs.symlink(store.asset, asset);
    const connector = createFilesystemConnector({ id: 'share', asset });
    const fingerprint = await connector.fingerprint(signal);
    await (await connector.open({ location: 'file' }, signal)).close();
    try {
      await fs.unlink(asset);
      await fs.symlink(mountpoint, asset);
      await fs.unlink(path.join(store.asset, 'file'));
      for (let i = 0; i < 2; i++) {
        await expect(connector.open({ location: 'file' }, signal)).rejects.toMatchObject({ code: 'unreachable' });
        await expect(connector.stat({ location: 'file' }, signal)).rejects.toMatchObject({ code: 'unreachable' });
      }
      expect(await connector.fingerprint(signal)).not.toBe(fingerprint);
      await fs.writeFile(path.join(mountpoint, 'other'), '');
      await expect(connector.open({ location: 'file' }, signal)).rejects.toMatchObject({ code: 'not_found' });
    } finally {
      await fs.rm(mountpoint, { recursive: true });
    }
  });

  test('a file that becomes a folder meanwhile is walked in its new place', async () => {
    for (const location of ['a', 'm', 'm.txt', 'm0']) await write(location);
    const listing = store.connector.list({ ...ALL, includes: () => true }, undefined);
    // The names are read with the first item; the facts of the rest after the folder.
    await write('a/../b/inner');
    expect(((await listing.next(signal)) as { item: { location: string } }).item.location).toBe('a');
    await fs.unlink(path.join(store.asset, 'm'));
    await write('m/inner');
    const { events } = await drain(listing);
    expect(itemsOf(events).map((item) => item.location)).toEqual(['b/inner', 'm.txt', 'm/inner', 'm0']);
  });

  test('a position that is none of ours is refused', () => {
    for (const position of [
      {},
      { after: 1, outside: 0 },
      { after: '', outside: -1 },
      { after: '', outside: 0, root: 1 },
    ]) {
      expect(() => store.connector.list(ALL, position)).toThrow(ConnectorError);
    }
  });
});

describe('what cannot be read', () => {
  test('a folder without permission is a gap, a file without facts is an item with its fault', async () => {
    await write('closed/secret');
    await write('no-search/x');
    await write('open/y');
    await fs.chmod(store.base, 0o755);
    await fs.chmod(path.join(store.asset, 'closed'), 0o000);
    await fs.chmod(path.join(store.asset, 'no-search'), 0o744);
    const { answer } = await asNobody({ do: 'list', asset: store.asset });
    expect(answer).toMatchObject([
      { kind: 'gap', location: 'closed/', class: 'folder_unreadable', detail: expect.stringContaining('EACCES') },
      { kind: 'item', item: { location: 'no-search/x', fault: { class: 'permission_denied' } } },
      { kind: 'item', item: { location: 'open/y' } },
    ]);
  });

  test('an asset without permission holds the connector; a file without permission is denied', async () => {
    await write('file');
    await fs.chmod(store.base, 0o755);
    await fs.chmod(path.join(store.asset, 'file'), 0o000);
    expect(await asNobody({ do: 'open', asset: store.asset, location: 'file' })).toMatchObject({
      error: 'permission_denied',
    });
    await fs.chmod(store.asset, 0o000);
    expect(await asNobody({ do: 'list', asset: store.asset })).toMatchObject({ error: 'configuration' });
    expect(await asNobody({ do: 'check', asset: store.asset })).toMatchObject({ answer: { ok: false } });
    for (const mode of [0o000, 0o744, 0o711]) {
      await fs.chmod(store.asset, mode);
      expect(await asNobody({ do: 'fingerprint', asset: store.asset })).toMatchObject({ error: 'configuration' });
    }
    await fs.chmod(store.asset, 0o755);
    expect(await asNobody({ do: 'fingerprint', asset: store.asset })).toMatchObject({ answer: expect.any(String) });
  });

  test('a path that is longer than the system takes is a gap, and what follows is listed', async () => {
    const name = 'n'.repeat(250);
    await write('a');
    await write('z');
    const script = `const fs = require('fs'), name = process.argv[1];
      for (let i = 0; i < 18; i++) { fs.mkdirSync(name); process.chdir(name); }
      fs.writeFileSync('leaf', '');`;
    await run(process.execPath, ['-e', script, name], { cwd: store.asset });
    try {
      const { events } = await drain(store.connector.list(ALL, undefined));
      expect(events.map((event) => event.kind)).toEqual(['item', 'gap', 'item']);
      expect(events[1]).toMatchObject({ class: 'folder_unreadable', detail: expect.stringContaining('longer than') });
      const long = { location: `${`${name}/`.repeat(18)}leaf` };
      await expect(store.connector.open(long, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    } finally {
      await run('rm', ['-rf', path.join(store.asset, name)]);
    }
  });
});

describe('side-cars', () => {
  const intentFor = async (location: string) => {
    const { intentOn } = await import('./conformance.ts');
    return intentOn(store.connector, { location }, 'tag');
  };

  test('only what we wrote for that very file is left out', async () => {
    await write('evil');
    await store.connector.act(await intentFor('evil'), signal);
    const ours = await fs.readFile(path.join(store.asset, 'evil.dsx-tags.json'), 'utf8');
    expect(await locationsIn()).toEqual(['evil']);
    const fakes: Record<string, string> = {
      'other.dsx-tags.json': ours,
      'copy/evil2.dsx-tags.json': ours,
      'empty.dsx-tags.json': '',
      'old.dsx.tags.json': ours,
      'evil.dsx-tags.json ': ours,
    };
    for (const [location, text] of Object.entries(fakes)) await write(location, text);
    await fs.symlink('evil.dsx-tags.json', path.join(store.asset, 'link.dsx-tags.json'));
    await fs.mkdir(path.join(store.asset, 'folder.dsx-tags.json'));
    await write('folder.dsx-tags.json/x');
    const items = await locationsIn();
    for (const location of Object.keys(fakes)) expect(items).toContain(location);
    expect(items).toContain('link.dsx-tags.json');
    expect(items).toContain('folder.dsx-tags.json/x');
    expect(items).not.toContain('evil.dsx-tags.json');
  });

  test('one that was changed by a single byte is an item', async () => {
    await write('evil');
    await store.connector.act(await intentFor('evil'), signal);
    const file = path.join(store.asset, 'evil.dsx-tags.json');
    const ours = await fs.readFile(file);
    const variants = [
      Buffer.concat([ours, Buffer.from(' ')]),
      Buffer.concat([Buffer.from('\n'), ours]),
      Buffer.from(ours.toString().replace('Malicious', '<script>')),
      Buffer.from(ours.toString().replace('"dsx-job"', '"job"')),
      Buffer.from(ours.toString().replace('"tags"', '"payload": "X5O!P%@AP", "tags"')),
    ];
    for (const variant of variants) {
      await fs.writeFile(file, variant);
      expect(await locationsIn()).toEqual(['evil', 'evil.dsx-tags.json']);
    }
    await fs.writeFile(file, ours);
    expect(await locationsIn()).toEqual(['evil']);
  });
});

describe('any tree', () => {
  const name = fc
    .array(fc.constantFrom(0x01, 0x0a, 0x20, 0x2d, 0x2e, 0x30, 0x41, 0x61, 0x7e, 0xc3, 0xa9, 0xff), {
      minLength: 1,
      maxLength: 3,
    })
    .map((bytes) => Buffer.from(bytes).toString('latin1'))
    .filter((text) => text !== '.' && text !== '..');
  const tree = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 4 }), {
    maxLength: 25,
    selector: (parts) => parts.join('/'),
  });

  test('is listed as find lists it, in order, from every position, however few names are held', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (paths, each, all) => {
          const asset = path.join(store.base, `tree-${round++}`);
          await fs.mkdir(asset);
          for (const parts of paths) {
            // A name that is a file already can't be a folder too: such paths are left out.
            const file = Buffer.from(`${asset}/${parts.join('/')}`, 'latin1');
            const folder = file.subarray(0, file.lastIndexOf(0x2f));
            await fs
              .mkdir(folder, { recursive: true })
              .then(() => fs.writeFile(file, 'x'))
              .catch(() => {});
          }
          const settings = { id: 'tree', asset };
          const walk = (from?: Position) =>
            new Walk(() => findPlace(settings), new FolderNames(), ALL, from, { each, all });
          const { events, positions } = await drain(walk());
          const raws = (list: readonly ListEvent[]) =>
            itemsOf(list).map((item) => locationBytes(item).toString('latin1'));
          expect(raws(events)).toEqual(await found(asset));
          for (let cut = 0; cut < positions.length; cut++) {
            expect((await drain(walk(positions[cut]))).events).toEqual(events.slice(cut));
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
