import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OpenItem } from '../../connectors/connector.ts';
import { listed, readWhole } from './conformance.ts';
import { makeTempStore, type TempStore } from './temp-store.ts';

const run = promisify(execFile);
const signal = new AbortController().signal;

let store: TempStore;
beforeEach(async () => {
  store = await makeTempStore();
});
afterEach(() => store.close());

const at = (location: string) => path.join(store.asset, location);
const open = (location: string, version?: string) =>
  store.connector.open({ location, ...(version !== undefined && { version }) }, signal);
const readAll = async (item: OpenItem) => {
  const chunks: Buffer[] = [];
  for await (const chunk of item.read(signal)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

describe('what is opened', () => {
  test('a FIFO does not hang, a folder is no item, and neither is a link', async () => {
    await run('mkfifo', [at('fifo')]);
    await fs.mkdir(at('folder'));
    await fs.writeFile(at('file'), 'x');
    await fs.symlink('file', at('link'));
    for (const location of ['fifo', 'folder', 'link']) {
      await expect(open(location)).rejects.toMatchObject({ code: 'not_an_item' });
    }
  });

  test('a file that was replaced by a link after it was listed is not followed', async () => {
    await fs.writeFile(path.join(store.base, 'outside'), 'secret');
    await fs.writeFile(at('file'), 'x');
    const [item] = await listed(store.connector);
    await fs.unlink(at('file'));
    await fs.symlink('../outside', at('file'));
    await expect(open('file', item?.version)).rejects.toMatchObject({ code: 'not_an_item' });
    expect(await store.connector.stat({ location: 'file' }, signal)).toMatchObject({ skip: 'link' });
  });

  test('a folder of the path that was replaced by a link leads nowhere', async () => {
    await fs.mkdir(path.join(store.base, 'outside'));
    await fs.writeFile(path.join(store.base, 'outside/file'), 'secret');
    await fs.mkdir(at('folder'));
    await fs.writeFile(at('folder/file'), 'x');
    await fs.mkdir(at('other'));
    await fs.writeFile(at('other/file'), 'y');
    const [item] = await listed(store.connector);
    await fs.rm(at('folder'), { recursive: true });
    for (const target of [path.join(store.base, 'outside'), 'other']) {
      await fs.symlink(target, at('folder'));
      for (const version of [undefined, item?.version]) {
        await expect(open('folder/file', version)).rejects.toMatchObject({ code: 'not_an_item' });
      }
      await expect(store.connector.stat({ location: 'folder/file' }, signal)).rejects.toMatchObject({
        code: 'not_an_item',
      });
      await fs.unlink(at('folder'));
    }
  });

  test('names that other systems would expand are taken as they are', async () => {
    for (const name of ['$HOME', '~', '%41', '..x', 'a\\..\\b']) {
      await fs.writeFile(at(name), name);
      expect((await readWhole(store.connector, { location: name })).bytes.toString()).toBe(name);
    }
  });
});

describe('what a version tells', () => {
  test('a rewrite of the same size that puts the modification time back shows', async () => {
    await fs.writeFile(at('file'), 'first!');
    const [item] = await listed(store.connector);
    const before = await fs.stat(at('file'));
    const item1 = await open('file');
    await fs.writeFile(at('file'), 'second', { flag: 'r+' });
    await fs.utimes(at('file'), before.atime, before.mtime);
    await readAll(item1);
    await expect(item1.confirm()).rejects.toMatchObject({ code: 'changed' });
    await item1.close();
    const item2 = await open('file');
    expect(item2.version).not.toBe(item?.version);
    await item2.close();
  });

  test('a file that has just been written is opened only once a further change is sure to show', async () => {
    for (let round = 0; round < 5; round++) {
      await fs.writeFile(at('file'), `round ${round}`);
      const item = await open('file');
      expect(Date.now() - (await fs.stat(at('file'))).ctimeMs).toBeGreaterThanOrEqual(19);
      // Rewritten in the same tick of the kernel's clock as the last change, if opening did not wait for the next.
      await fs.writeFile(at('file'), `other ${round}`, { flag: 'r+' });
      const bytes = await readAll(item);
      const confirmed = await item.confirm().then(
        () => true,
        () => false,
      );
      expect([confirmed, bytes.toString()]).toEqual([false, `other ${round}`]);
      await item.close();
    }
  });

  test('growth between the last byte and the confirmation shows, for small files and large', async () => {
    for (const size of [10, 300_000]) {
      await fs.writeFile(at('file'), Buffer.alloc(size));
      const item = await open('file');
      expect((await readAll(item)).length).toBe(size);
      await fs.appendFile(at('file'), 'more');
      await expect(item.confirm()).rejects.toMatchObject({ code: 'changed' });
      await item.close();
    }
  });

  test('never more than the promised size and one chunk is read, however fast the file grows', async () => {
    await fs.writeFile(at('file'), Buffer.alloc(1_000_000));
    const item = await open('file');
    let sent = 0;
    for await (const chunk of item.read(signal)) {
      sent += chunk.length;
      await fs.appendFile(at('file'), Buffer.alloc(500_000));
    }
    expect(sent).toBeLessThanOrEqual(1_000_000 + 256 * 1024);
    await expect(item.confirm()).rejects.toMatchObject({ code: 'changed' });
    await item.close();
  });

  test('a file whose size is not told is never confirmed', async () => {
    // Files of the kernel promise no bytes and give many.
    const { createFilesystemConnector } = await import('../../connectors/filesystem/connector.ts');
    const connector = createFilesystemConnector({ id: 'proc', asset: '/proc/self' });
    const item = await connector.open({ location: 'status' }, signal);
    await readAll(item);
    await expect(item.confirm()).rejects.toMatchObject({ code: 'changed' });
    await item.close();
  });
});

describe('handles', () => {
  const descriptors = async () => (await fs.readdir('/proc/self/fd')).length;

  test('none stays open, whatever became of the reading', async () => {
    await fs.writeFile(at('small'), 'x');
    await fs.writeFile(at('large'), Buffer.alloc(2_000_000));
    const work = async () => {
      for (const location of ['small', 'large', 'nothing', '.']) {
        const item = await open(location).catch(() => undefined);
        if (!item) continue;
        for await (const _ of item.read(signal)) break;
        await item.close();
        await expect(item.confirm()).rejects.toMatchObject({ code: 'storage_error' });
        await expect(readAll(item)).rejects.toMatchObject({ code: 'storage_error' });
      }
      await listed(store.connector);
      const listing = store.connector.list({ includes: () => true, mayEnter: () => true }, undefined);
      await listing.next(signal);
      await listing.close();
      await listing.close();
    };
    await work();
    // Closing is not waited for: the next calls through the same pool come after it.
    await fs.stat(store.asset);
    const before = await descriptors();
    for (let i = 0; i < 20; i++) await work();
    await fs.stat(store.asset);
    expect(await descriptors()).toBeLessThanOrEqual(before + 4);
  });

  test('many files are read at once, each with its own bytes', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `f${i}`);
    for (const [index, name] of names.entries())
      await fs.writeFile(at(name), Buffer.alloc(70_000 + index * 4_001, index));
    const items = await listed(store.connector);
    await Promise.all(
      items.map(async (item) => {
        const index = Number(item.location.slice(1));
        const { bytes } = await readWhole(store.connector, item);
        expect(bytes.equals(Buffer.alloc(70_000 + index * 4_001, index))).toBe(true);
      }),
    );
  });
});
