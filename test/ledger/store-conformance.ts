import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LedgerCode } from '../../ledger/errors.ts';
import type { ObjectStore } from '../../ledger/store.ts';

/** What every store of the ledger must do, whatever it is made of. `open` gives a fresh, empty one. */
export function storeConformance(
  what: string,
  open: () => Promise<{ store: ObjectStore; close: () => Promise<void> }>,
): void {
  describe(`${what} as a store of the ledger`, () => {
    let store: ObjectStore;
    let close: () => Promise<void>;
    beforeAll(async () => {
      ({ store, close } = await open());
    });
    afterAll(() => close());

    test('gives back the bytes that were put, at any depth, also none at all', async () => {
      const bytes = randomBytes(300_000);
      await store.put('depth/one/two/three.bin', bytes);
      await store.put('empty.bin', Buffer.alloc(0));
      expect((await store.get('depth/one/two/three.bin')).equals(bytes)).toBe(true);
      expect(await store.get('empty.bin')).toHaveLength(0);
    });

    test('accepts the same bytes again and refuses other bytes', async () => {
      await store.put('once/a', Buffer.from('first'));
      await store.put('once/a', Buffer.from('first'));
      await refused(store.put('once/a', Buffer.from('other')), 'conflict');
      expect((await store.get('once/a')).toString()).toBe('first');
    });

    test('of many writers at once exactly one wins, and no reader sees anything but a whole object', async () => {
      const contents = Array.from({ length: 8 }, () => randomBytes(200_000));
      let done = false;
      const seen: Buffer[] = [];
      const reader = (async () => {
        while (!done) seen.push(await store.get('race/x').catch(() => Buffer.alloc(0)));
      })();
      const ends = await Promise.allSettled(contents.map((content) => store.put('race/x', content)));
      done = true;
      await reader;
      expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
      const won = await store.get('race/x');
      expect(contents.some((content) => content.equals(won))).toBe(true);
      for (const bytes of seen) if (bytes.length > 0) expect(bytes.equals(won)).toBe(true);
      expect(await names(store, 'race/')).toEqual(['race/x']);
    });

    test('says that an object is not there', async () => {
      await refused(store.get('nothing/here'), 'not_found');
      await refused(store.get('empty.bin/below'), 'not_found');
    });

    test('lists what lies below a prefix, with sizes and times, and nothing else', async () => {
      await store.put('list/a/1', Buffer.from('12345'));
      await store.put('list/a/2', Buffer.from('1'));
      await store.put('list/ab/1', Buffer.from('1'));
      expect(await names(store, 'list/a/')).toEqual(['list/a/1', 'list/a/2']);
      expect(await names(store, 'list/')).toEqual(['list/a/1', 'list/a/2', 'list/ab/1']);
      expect(await names(store, 'absent/')).toEqual([]);
      const found = [];
      for await (const object of store.list('list/a/')) found.push(object);
      const first = found.find((object) => object.name === 'list/a/1');
      expect(first?.size).toBe(5);
      expect(Math.abs(Date.now() - (first?.modifiedMs ?? 0))).toBeLessThan(120_000);
    });

    test('lists the folders right below a prefix', async () => {
      await store.put('folders/x/1', Buffer.from('1'));
      await store.put('folders/y/z/1', Buffer.from('1'));
      await store.put('folders/file', Buffer.from('1'));
      const found: string[] = [];
      for await (const name of store.folders('folders/')) found.push(name);
      expect(found.sort()).toEqual(['x', 'y']);
      for await (const name of store.folders('absent/')) expect(name).toBeUndefined();
    });

    test('deletes, and takes it calmly when there is nothing to delete', async () => {
      await store.put('delete/a', Buffer.from('1'));
      await store.delete('delete/a');
      await store.delete('delete/a');
      await store.delete('delete/never/was');
      await refused(store.get('delete/a'), 'not_found');
      expect(await names(store, 'delete/')).toEqual([]);
      await store.put('delete/a', Buffer.from('2'));
      expect((await store.get('delete/a')).toString()).toBe('2');
    });

    test('refuses names that lead elsewhere', async () => {
      for (const name of [
        '',
        '/etc/passwd',
        '../x',
        'a/../b',
        'a//b',
        '.hidden',
        'a/',
        'a\0b',
        'a\nb',
        '-x',
        'x'.repeat(201),
      ]) {
        await refused(store.put(name, Buffer.from('1')), 'invalid');
        await refused(store.get(name), 'invalid');
        await refused(store.delete(name), 'invalid');
      }
      await refused(names(store, 'list'), 'invalid');
      await refused(names(store, '../'), 'invalid');
    });

    test('leaves finished objects alone when it removes unfinished ones', async () => {
      await store.put('kept/a', Buffer.from('1'));
      await store.removeUnfinished('', Date.now() + 60_000);
      expect((await store.get('kept/a')).toString()).toBe('1');
    });
  });
}

export async function names(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list(prefix)) found.push(name);
  return found.sort();
}

export async function refused(promise: Promise<unknown>, code: LedgerCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'LedgerError', code });
}
