import { closeSync, openSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListScope, Position } from '../../connectors/connector.ts';
import { FolderNames, readKeys } from '../../connectors/filesystem/folder.ts';
import { findPlace } from '../../connectors/filesystem/place.ts';
import { Walk } from '../../connectors/filesystem/walk.ts';
import { drain, itemsOf } from './conformance.ts';
import { contentsOf, makeTempStore, type TempStore } from './temp-store.ts';

const signal = new AbortController().signal;
const ALL: ListScope = { includes: () => true, mayEnter: () => true };

let store: TempStore;
beforeEach(async () => {
  store = await makeTempStore();
});
afterEach(() => store.close());

const write = async (location: string) => {
  const file = path.join(store.asset, location);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, 'x');
};

/** Many names of one file: quicker to make than as many files. */
async function fill(names: readonly string[], folder = store.asset): Promise<void> {
  const one = path.join(store.base, 'one');
  await fs.writeFile(one, 'x');
  for (let i = 0; i < names.length; i += 500) {
    await Promise.all(names.slice(i, i + 500).map((name) => fs.link(one, path.join(folder, name))));
  }
}

describe('size', () => {
  test('a flat folder of 20,000 files is listed whole and in order, and the listing goes on anywhere', async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `file-${i}`);
    await fill(names);
    const listing = store.connector.list(ALL, undefined);
    const got: string[] = [];
    const cuts: { position: Position; index: number }[] = [];
    for (;;) {
      const events = await listing.nextBatch(500, signal);
      if (events.length === 0) break;
      got.push(...itemsOf(events).map((item) => item.location));
      if (got.length % 5_000 < events.length) cuts.push({ position: listing.position(), index: got.length });
    }
    await listing.close();
    expect(got).toEqual([...names].sort());
    for (const { position, index } of cuts) {
      const next = store.connector.list(ALL, position);
      const first = await next.next(signal);
      expect(first?.kind === 'item' ? first.item.location : undefined).toBe(got[index]);
      await next.close();
    }
  });

  test('folders on the way hold no more names than they may', async () => {
    for (let i = 0; i < 60; i++) await write(`d${i % 6}/e${i % 3}/f${i}/g`);
    for (let i = 0; i < 60; i++) await write(`top-${i}`);
    const walk = new Walk(() => findPlace({ id: 'w', asset: store.asset }), new FolderNames(), ALL, undefined, {
      each: 8,
      all: 12,
    });
    const got: string[] = [];
    for (let event = await walk.next(signal); event; event = await walk.next(signal)) {
      if (event.kind === 'item') got.push(event.item.location);
      expect(walk.held().onTheWay).toBeLessThanOrEqual(12);
      expect(walk.held().here).toBeLessThanOrEqual(66);
    }
    await walk.close();
    expect(got).toEqual([...(await contentsOf(store.asset)).keys()]);
  });

  test('a long stretch outside the scope still shows that the listing moves on', async () => {
    await fill(Array.from({ length: 10_500 }, (_, i) => `out-${i}`));
    await write('z-in');
    const { events } = await drain(
      store.connector.list({ ...ALL, includes: (location) => location === 'z-in' }, undefined),
    );
    const counts = events.map((event) => (event.kind === 'outside' ? event.count : 0));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10_500);
    expect(events.filter((event) => event.kind === 'outside').length).toBeLessThanOrEqual(3);
    expect(itemsOf(events).map((item) => item.location)).toEqual(['z-in']);
  });

  test('the names of a large folder are read once for many listings, and again when one came or went', async () => {
    await fill(['a', 'b', 'c']);
    const names = new FolderNames({ names: 3, settled: -1 });
    // In the past, so that the next change is sure to show.
    await fs.utimes(store.asset, 1, 1);
    const fd = openSync(store.asset, 'r');
    try {
      const first = await names.read(fd, store.asset);
      expect(await names.read(fd, store.asset)).toBe(first);
      await write('d');
      expect(await names.read(fd, store.asset)).toEqual(['a', 'b', 'c', 'd']);
      await fs.utimes(store.asset, 1, 1);
      const before = await names.read(fd, store.asset);
      await fs.rename(path.join(store.asset, 'd'), path.join(store.asset, 'e'));
      expect(await names.read(fd, store.asset)).not.toBe(before);
      names.forget();
    } finally {
      closeSync(fd);
    }
  });

  test('names that come in no order are put in order, in whatever number', async () => {
    for (const count of [0, 1, 8_191, 8_192, 20_000]) {
      const folder = path.join(store.base, `n${count}`);
      await fs.mkdir(folder);
      const wanted = Array.from({ length: count }, (_, i) => `${(i * 7_919) % 20_011}`);
      await fill(wanted, folder);
      await fs.mkdir(path.join(folder, '5-folder'));
      expect(await readKeys(folder, 1e9)).toEqual([...wanted, '5-folder/'].sort());
      expect(await readKeys(folder, 0)).toEqual([...wanted, '5-folder/'].sort());
    }
  });
});
