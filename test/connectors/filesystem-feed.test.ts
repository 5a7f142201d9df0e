import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connector, Position } from '../../connectors/connector.ts';
import type { Feed, FeedBatch } from '../../connectors/feed.ts';
import { createFilesystemConnector } from '../../connectors/filesystem/connector.ts';
import { createFileFeed } from '../../connectors/filesystem/feed.ts';
import { type FileWatch, findPlace } from '../../connectors/filesystem/place.ts';
import { TICK } from '../../connectors/filesystem/watch/source.ts';
import type { StorageEvent } from '../../domain/event.ts';
import { intentOn } from './conformance.ts';
import { makeTempStore, type TempStore } from './temp-store.ts';

const SETTLE = 0.3;
let store: TempStore;
let connector: Connector;
const feeds: Feed[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  store = await makeTempStore('inside');
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
  await connector?.close();
  await store.close();
});

function open(from?: Position, watch: FileWatch = {}): Feed {
  const { asset, quarantine } = store;
  connector = createFilesystemConnector({ id: 'files', asset, quarantine, watch: { settle: SETTLE, ...watch } });
  const feed = connector.feed?.(from) as Feed;
  feeds.push(feed);
  return feed;
}

const at = (...names: string[]) => path.join(store.asset, ...names);
const put = async (location: string, bytes = 'x') => {
  await fs.mkdir(path.dirname(at(location)), { recursive: true });
  await fs.writeFile(at(location), bytes);
};

/** Batches until all of these were given, or `until` holds; acknowledged. What came, and the last cursor. */
async function gather(feed: Feed, until: (events: readonly StorageEvent[]) => boolean) {
  const events: StorageEvent[] = [];
  let cursor: Position | undefined;
  while (!until(events)) {
    const batch: FeedBatch = await feed.next(never);
    expect(batch.events.length).toBeLessThanOrEqual(1_000);
    events.push(...batch.events);
    cursor = batch.cursor;
    await batch.acknowledge();
  }
  return { events, cursor, locations: [...new Set(events.map(({ location }) => location))].sort() };
}

const has =
  (...locations: string[]) =>
  (events: readonly StorageEvent[]) =>
    locations.every((location) => events.some((event) => event.location === location));

/** Milliseconds since 1970, of the last writing. */
const writtenAt = (version = '') => Number(BigInt(version.split(':')[4] ?? 0) / 1_000_000n);

/** A feed that has begun: what was put before has been given. */
async function started(watch: FileWatch = {}, from?: Position) {
  const feed = open(from, watch);
  await put('.start');
  const { cursor } = await gather(feed, has('.start'));
  return { feed, cursor };
}

/** The cursor as if it had been made now, the clock of the file system being known: what is older is known. */
const asOfNow = (cursor: Position | undefined) => ({ ...cursor, since: Date.now() + TICK - 100 });

describe.each([
  ['told by the system', {}],
  ['walking', { poll: 0.2 }],
])('a folder that is watched, %s', (_, watch) => {
  it('gives what is created, changed and renamed into it, and nothing else', { timeout: 30_000 }, async () => {
    await put('old');
    await put('changed');
    await fs.mkdir(path.join(store.base, 'beside'), { recursive: true });
    await fs.writeFile(path.join(store.base, 'beside', 'tree'), 'x');
    const { feed } = await started(watch);
    await put('new/deep/file');
    await put('changed', 'longer');
    await fs.rename(path.join(store.base, 'beside'), at('moved in'));
    await fs.symlink(at('old'), at('link'));
    await fs.mkdir(store.quarantine, { recursive: true });
    await fs.writeFile(path.join(store.quarantine, 'kept'), 'x');
    await put('gone');
    await fs.unlink(at('gone'));
    await fs.writeFile(Buffer.concat([Buffer.from(`${store.asset}/`), Buffer.from([0x66, 0xff])]), 'x');
    const { events, locations } = await gather(feed, has('new/deep/file', 'changed', 'moved in/tree', 'f\ufffd'));
    expect(locations.filter((location) => location !== '.start')).toEqual(
      ['changed', 'f\ufffd', 'moved in/tree', 'new/deep/file'].sort(),
    );
    for (const event of events) {
      const item = await connector.stat(event, never);
      expect(event.version === item.version || event.location === '.start').toBe(true);
      expect(event.locationBytes).toBe(item.locationBytes);
    }
  });
});

describe('a file that is being written', () => {
  it('is not given before it stands still, and a rename into place at once', { timeout: 30_000 }, async () => {
    const { feed } = await started();
    const writer = (async () => {
      for (let i = 0; i < 8; i++) {
        await fs.appendFile(at('slow'), 'more');
        await new Promise((resolve) => setTimeout(resolve, (SETTLE * 1000) / 3));
      }
    })();
    await put('.part', 'whole');
    await fs.rename(at('.part'), at('whole'));
    const seen: StorageEvent[] = [];
    let last: string | undefined;
    while (!seen.some(({ location, version }) => location === 'slow' && version === last)) {
      const batch = await feed.next(never);
      seen.push(...batch.events);
      for (const { location, version } of batch.events) {
        if (location === 'slow') expect(Date.now() - writtenAt(version)).toBeGreaterThanOrEqual(SETTLE * 1000);
      }
      await batch.acknowledge();
      if (!has('slow')(seen)) continue;
      await writer;
      last = (await connector.stat({ location: 'slow' }, never)).version;
    }
    expect(has('whole')(seen)).toBe(true);
  });

  it('is given all the same when it never stands still', { timeout: 30_000 }, async () => {
    const { feed } = await started({ settle: 0.1 });
    let given = false;
    const writer = (async () => {
      while (!given) {
        await fs.appendFile(at('log'), 'line\n');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    const first = await gather(feed, has('log'));
    given = true;
    await writer;
    const { version } = await connector.stat({ location: 'log' }, never);
    const isLast = (events: readonly StorageEvent[]) =>
      [...first.events, ...events].some((event) => event.location === 'log' && event.version === version);
    await gather(feed, isLast);
  });
});

describe.each([
  ['told by the system', {}],
  ['walking', { poll: 0.2 }],
])('a feed that goes on, %s', (_, watch) => {
  it('gives what came while nobody watched, folders that were moved in too', { timeout: 30_000 }, async () => {
    await put('old');
    await put('deep/deeper/old');
    await fs.mkdir(path.join(store.base, 'beside', 'below'), { recursive: true });
    await fs.writeFile(path.join(store.base, 'beside', 'below', 'tree'), 'x');
    const { feed, cursor } = await started(watch);
    await feed.close();
    const since = asOfNow(cursor);
    await put('deep/deeper/new');
    await put('old', 'changed');
    await fs.rename(path.join(store.base, 'beside'), at('beside'));
    const later = open(JSON.parse(JSON.stringify(since)) as Position, watch);
    const { locations } = await gather(later, has('deep/deeper/new', 'old', 'beside/below/tree'));
    expect(locations).not.toContain('deep/deeper/old');
  });

  it('gives again what was not acknowledged, to the same reader and to the next', { timeout: 30_000 }, async () => {
    const { feed, cursor } = await started(watch);
    await put('a');
    let batch = await feed.next(never);
    while (!has('a')(batch.events)) {
      await batch.acknowledge();
      batch = await feed.next(never);
    }
    expect((await feed.next(never)).events).toEqual(batch.events);
    await feed.close();
    const { events } = await gather(open(cursor, watch), has('a'));
    expect(events).toContainEqual(batch.events.find(({ location }) => location === 'a'));
  });

  it('ends at once when it is cancelled, or closed', { timeout: 30_000 }, async () => {
    const { feed } = await started(watch);
    const stop = new AbortController();
    const waiting = feed.next(stop.signal);
    stop.abort(new Error('told to stop'));
    await expect(waiting).rejects.toThrow('told to stop');
    const other = feed.next(never);
    await feed.close();
    await expect(other).rejects.toMatchObject({ code: 'storage_error' });
  });

  it('breaks off while the asset is away, and finds afterwards what came', { timeout: 30_000 }, async () => {
    const { feed } = await started(watch);
    await fs.rename(store.asset, `${store.asset}-away`);
    await expect(gather(feed, () => false)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(feed.next(never)).rejects.toMatchObject({ code: 'unreachable' });
    await fs.writeFile(`${store.asset}-away/late`, 'x');
    await fs.rename(`${store.asset}-away`, store.asset);
    await gather(feed, has('late'));
  });

  it('says when the asset is another folder, and goes on from there', { timeout: 30_000 }, async () => {
    const { feed, cursor } = await started(watch);
    await feed.close();
    await fs.rename(store.asset, `${store.asset}-away`);
    await put('other');
    const later = open(cursor, watch);
    await expect(later.next(never)).rejects.toMatchObject({ code: 'listing_expired' });
    await put('new');
    await gather(later, has('new'));
  });
});

const MAKE = `
import os, sys
root, folders, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for f in range(folders):
    os.makedirs('%s/d%d' % (root, f), exist_ok=True)
for f in range(folders):
    for i in range(files):
        open('%s/d%d/%d' % (root, f, i), 'w').write('x')
`;

describe('a burst', () => {
  it('of 100,000 files loses none, and holds no more than it says', { timeout: 240_000 }, async () => {
    const { feed } = await started();
    const before = process.memoryUsage().heapUsed;
    const writer = spawn('python3', ['-c', MAKE, store.asset, '20', '5000'], { stdio: 'inherit' });
    const seen = new Set<string>();
    let most = 0;
    while (seen.size < 100_000) {
      const batch = await feed.next(never);
      expect(batch.events.length).toBeLessThanOrEqual(1_000);
      for (const { location } of batch.events) if (location !== '.start') seen.add(location);
      await batch.acknowledge();
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    expect(writer.exitCode).toBe(0);
    expect(most).toBeLessThan(300 * 1024 * 1024);
  });

  it('that the system could not keep is found by a walk', { timeout: 120_000 }, async () => {
    for (const folder of ['d0', 'd1', 'd2', 'd3']) await fs.mkdir(at(folder), { recursive: true });
    const { feed } = await started();
    // Holds up this process, so that the queue of notices runs over; the last folder's are all lost.
    execFileSync('python3', ['-c', MAKE, store.asset, '4', '6000']);
    const seen = new Set<string>();
    while (seen.size < 24_000) {
      const batch = await feed.next(never);
      for (const { location } of batch.events) if (location !== '.start') seen.add(location);
      await batch.acknowledge();
    }
  });
});

describe('limits', () => {
  const feedWith = (more: Partial<Parameters<typeof createFileFeed>[0]>) => {
    const { asset, quarantine } = store;
    const find = () => findPlace({ id: 'files', asset, quarantine });
    const feed = createFileFeed({ find, from: undefined, settle: SETTLE, ...more });
    feeds.push(feed);
    return feed;
  };

  it('a system that watches no more folders is told, with what to do', async () => {
    await put('a/b');
    const refusing = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    await expect(feedWith({ watchFolder: refusing }).next(never)).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('fs.inotify.max_user_watches'),
    });
    await expect(feedWith({ mostWatched: 1 }).next(never)).rejects.toMatchObject({ code: 'configuration' });
  });

  it('a poll that remembers no more files goes by their times', { timeout: 30_000 }, async () => {
    await put('a/old');
    await put('b/old');
    const feed = feedWith({ poll: 0.2, mostRemembered: 1 });
    await gather(feed, has('a/old', 'b/old'));
    for (const name of ['a/old', 'b/old', 'a/new', 'b/new']) {
      await put(name, 'later');
      const { locations } = await gather(feed, has(name));
      expect(locations).toEqual([name]);
    }
  });

  it('a folder that can not be read ends nothing', { timeout: 30_000 }, async () => {
    await fs.mkdir(at('shut'));
    await fs.chmod(at('shut'), 0);
    const { feed } = await started();
    await put('open/file');
    await gather(feed, has('open/file'));
    await fs.chmod(at('shut'), 0o700);
    await put('shut/file');
    await gather(feed, has('shut/file'));
  });

  it('an asset that is one file is watched, whatever replaces it', { timeout: 30_000 }, async () => {
    await put('one');
    await put('other');
    const find = () => findPlace({ id: 'files', asset: at('one') });
    const feed = createFileFeed({ find, from: undefined, settle: SETTLE });
    feeds.push(feed);
    const first = await gather(feed, has('one'));
    await put('.part', 'longer');
    await fs.rename(at('.part'), at('one'));
    const second = await gather(feed, has('one'));
    expect([...first.locations, ...second.locations]).toEqual(['one', 'one']);
    expect(second.events[0]?.version).not.toBe(first.events[0]?.version);
  });
});

describe.each([
  ['told by the system', {}],
  ['walking', { poll: 0.2 }],
])('our own actions, %s', (_, watch) => {
  it.each(['tag', 'move', 'movetag', 'delete'] as const)('%s brings no event', { timeout: 30_000 }, async (action) => {
    const { feed } = await started(watch);
    await put('bad/evil');
    const { events } = await gather(feed, has('bad/evil'));
    const intent = await intentOn(connector, { location: 'bad/evil' }, action);
    expect(await connector.act(intent, never)).toMatchObject({ state: 'done' });
    await put('later');
    const after = await gather(feed, has('later'));
    await put('later still');
    const last = await gather(feed, has('later still'));
    const named = [...events, ...after.events, ...last.events].map(({ location }) => location);
    expect(named.filter((location) => !/^(\.start|later.*)$/.test(location))).toEqual(['bad/evil']);
  });
});
