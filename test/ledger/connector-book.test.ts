import { beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorEntry } from '../../domain/connector-entry.ts';
import { createConnectorBook } from '../../ledger/connector-book.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { MadeConnectors } from '../../ledger/made-connectors.ts';
import type { ObjectStore } from '../../ledger/store.ts';
import { createMemoryStore } from './memory-store.ts';

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryStore();
});

const at = '2026-11-23T09:00:00.000Z';
function entry(id: string, revision: number, more: Partial<ConnectorEntry> = {}): ConnectorEntry {
  const by = { by: 'ann', createdAt: at, createdBy: 'ann' };
  const definition = { id, kind: 'filesystem', asset: `/srv/${revision}` };
  return { format: 1, id, revision, at, ...by, local: false, deleted: false, definition, ...more };
}

describe('the book of connectors', () => {
  it('tells the highest revision of each, in whatever order they were written', async () => {
    const book = createConnectorBook(store);
    expect(await book.newest('share')).toBeUndefined();
    expect(await book.all()).toEqual([]);
    for (const revision of [1, 10, 2, 9]) await book.append(entry('share', revision));
    // Names that begin with one another, and with hyphens.
    for (const id of ['share-2', 'share2', '-', 'a']) await book.append(entry(id, 1));
    // The same state again, as after an answer that was lost.
    await book.append(entry('share', 10));
    expect(await book.newest('share')).toEqual(entry('share', 10));
    const all = await createConnectorBook(store).all();
    expect(all.map(({ id, revision }) => `${id} ${revision}`).sort()).toEqual(
      ['- 1', 'a 1', 'share 10', 'share-2 1', 'share2 1'].sort(),
    );
  });

  it('reads an object once', async () => {
    const names: string[] = [];
    const book = createConnectorBook({
      ...store,
      get: (name) => {
        names.push(name);
        return store.get(name);
      },
    });
    await book.append(entry('share', 1));
    const [first] = await book.all();
    expect((await book.all())[0]).toBe(first);
    expect(names).toHaveLength(1);
    await book.append(entry('share', 2));
    expect(await book.all()).toEqual([entry('share', 2)]);
    expect(names).toHaveLength(2);
  });

  it('refuses what is none of ours, and an id that leads elsewhere', async () => {
    const book = createConnectorBook(store);
    for (const id of ['', 'a/b', '../x', 'A', 'x'.repeat(64)]) {
      await expect(book.append(entry(id, 1))).rejects.toMatchObject({ code: 'invalid' });
    }
    await store.put('_connectors/id-share.0000000001.0123456789abcdef.json', Buffer.from('{"format":1}'));
    await expect(book.newest('share')).rejects.toMatchObject({ code: 'corrupt' });
    await expect(book.all()).rejects.toBeInstanceOf(LedgerError);
  });
});

describe('the connectors that a process knows', () => {
  it('are those that count, each the same object until it changes', async () => {
    const book = createConnectorBook(store);
    const read: string[] = [];
    let changes = 0;
    const made = new MadeConnectors<string>({
      book: async () => book,
      read: ({ id, revision }) => {
        read.push(`${id} ${revision}`);
        return id === 'bad' ? undefined : `${id} ${revision}`;
      },
      say: () => undefined,
    });
    made.onChange(() => {
      changes += 1;
    });
    await made.refresh();
    expect([made.all, changes]).toEqual([[], 0]);
    await book.append(entry('share', 1));
    await book.append(entry('bad', 1));
    await made.refresh();
    const { all } = made;
    expect(all.map(({ settings }) => settings)).toEqual(['share 1']);
    await made.refresh();
    expect(made.all).toBe(all);
    expect([read, changes]).toEqual([['bad 1', 'share 1'], 1]);
    await book.append(entry('share', 2, { deleted: true }));
    await made.refresh();
    expect([made.all, made.get('share'), changes]).toEqual([[], undefined, 2]);
    await book.append(entry('share', 3));
    await made.refresh();
    expect(made.get('share')?.settings).toBe('share 3');
    // Nothing can be made of it, and it is not tried again until it changes.
    expect(read.filter((one) => one.startsWith('bad'))).toEqual(['bad 1']);
  });

  it('end with what the last reading found, however long an earlier one takes', async () => {
    const slow = createConnectorBook(store);
    const gates: (() => void)[] = [];
    let held = 0;
    const made = new MadeConnectors<number>({
      book: async () => ({
        all: async () => {
          const found = await slow.all();
          if (held-- > 0) await new Promise<void>((resolve) => gates.push(resolve));
          return found;
        },
      }),
      read: ({ revision }) => revision,
      say: () => undefined,
    });
    held = 1;
    const first = made.refresh();
    await expect.poll(() => gates.length).toBe(1);
    await slow.append(entry('share', 1));
    // Both begin when the one has ended, which listed before there was anything.
    const others = [made.refresh(), made.refresh()];
    await new Promise(setImmediate);
    expect(made.all).toEqual([]);
    gates[0]?.();
    await Promise.all([first, ...others]);
    expect(made.get('share')?.settings).toBe(1);
  });

  it('are not lost to one that can not be read or used, which stays as it was known', async () => {
    const book = createConnectorBook(store);
    const said: string[] = [];
    const made = new MadeConnectors<string>({
      book: async () => book,
      read: ({ id, revision }) => {
        if (id === 'odd') throw new TypeError('odd');
        return `${id} ${revision}`;
      },
      say: (problem) => said.push(problem),
    });
    for (const id of ['odd', 'share', 'two']) await book.append(entry(id, 1));
    await made.refresh();
    expect(made.all.map(({ settings }) => settings)).toEqual(['share 1', 'two 1']);
    // As a newer version would write it.
    const newer = Buffer.from(JSON.stringify({ ...entry('share', 2), format: 2 }));
    await store.put('_connectors/id-share.0000000002.0123456789abcdef.json', newer);
    await book.append(entry('two', 2));
    for (const _ of [1, 2]) {
      await made.refresh();
      expect(made.all.map(({ settings }) => settings)).toEqual(['share 1', 'two 2']);
    }
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(/^the connector share that was made through the API: .*it is no state of this connector/);
    // Who changes it must know what it is.
    await expect(book.newest('share')).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('take the same one of two states that were written under one revision', async () => {
    const book = createConnectorBook(store);
    const known = () => new MadeConnectors({ book: async () => book, read: ({ by }) => by, say: () => undefined });
    const early = known();
    const put = (by: string, last: string) =>
      store.put(
        `_connectors/id-share.0000000001.000000000000000${last}.json`,
        Buffer.from(JSON.stringify(entry('share', 1, { by }))),
      );
    await put('ann', '1');
    await early.refresh();
    await put('bob', '2');
    const late = known();
    for (const made of [early, late]) await made.refresh();
    expect([early.get('share')?.settings, late.get('share')?.settings]).toEqual(['bob', 'bob']);
  });

  it('stay while the book can not be read, which is said once', async () => {
    const book = createConnectorBook(store);
    let broken = false;
    const said: string[] = [];
    const made = new MadeConnectors<string>({
      book: async () => {
        if (broken) throw new LedgerError('unavailable', 'ledger', 'the ledger is away');
        return book;
      },
      read: ({ id }) => id,
      say: (problem) => said.push(problem),
      everyMs: 5,
    });
    await book.append(entry('share', 1));
    await made.start();
    broken = true;
    await expect(made.refresh()).rejects.toMatchObject({ code: 'unavailable' });
    await expect.poll(() => said.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([made.all.length, said.length]).toEqual([1, 1]);
    broken = false;
    await book.append(entry('two', 1));
    await expect.poll(() => made.all.length).toBe(2);
    made.stop();
  });
});
