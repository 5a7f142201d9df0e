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
