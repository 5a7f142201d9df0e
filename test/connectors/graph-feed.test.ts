import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector, Position } from '../../connectors/connector.ts';
import type { Feed, FeedBatch } from '../../connectors/feed.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphSettings } from '../../connectors/graph/drives.ts';
import type { ActionIntent } from '../../domain/action.ts';
import type { StorageEvent } from '../../domain/event.ts';
import type { GraphFake } from '../../scripts/servers/graph/fake.ts';
import { throttled } from '../../scripts/servers/graph/faults.ts';
import { FOLDER, onedriveSettings, QUARANTINE, sharepointSettings, startFake } from './graph-store.ts';

const INTERVAL = 0.1;
const never = new AbortController().signal;
let fake: GraphFake;
const connectors: Connector[] = [];
const feeds: Feed[] = [];

beforeEach(async () => {
  fake = await startFake();
  fake.library.makeFolder(FOLDER);
  fake.deltas.withFolders = true;
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
  for (const connector of connectors.splice(0)) await connector.close();
  await fake.stop();
});

function connect(settings: GraphSettings = sharepointSettings(fake)): Connector {
  const connector = createGraphConnector({ ...settings, watch: { interval: INTERVAL } } as GraphSettings);
  connectors.push(connector);
  return connector;
}

function open(from?: Position, connector = connect()): Feed {
  const feed = connector.feed?.(from === undefined ? from : (JSON.parse(JSON.stringify(from)) as Position)) as Feed;
  feeds.push(feed);
  return feed;
}

const at = (name: string) => `${FOLDER}/${name}`;
const put = (name: string, bytes = 'x') => fake.library.put(at(name), bytes);

const has =
  (...locations: string[]) =>
  (events: readonly StorageEvent[]) =>
    locations.every((location) => events.some((event) => event.location === location));

/** Batches until it holds, acknowledged. */
async function gather(feed: Feed, until: (events: readonly StorageEvent[]) => boolean) {
  const events: StorageEvent[] = [];
  let cursor: Position | undefined;
  while (!until(events)) {
    const batch: FeedBatch = await feed.next(never);
    events.push(...batch.events);
    cursor = batch.cursor;
    await batch.acknowledge();
  }
  return { events, cursor, locations: events.map(({ location }) => location).sort() };
}

/** A feed that has begun. `mark` gathers all that has happened by now. */
async function started(connector = connect()) {
  const feed = open(undefined, connector);
  let count = 0;
  // The place where a feed begins is the first question's; whatever came before it is not told, and it is there to be kept at once.
  const begun = await feed.next(never);
  expect(begun.events).toEqual([]);
  await begun.acknowledge();
  put('begin');
  const first = await feed.next(never);
  await first.acknowledge();
  // What came in with a folder is given behind the page that told of the folder, and before the next one.
  const mark = async () => {
    const events: StorageEvent[] = [];
    for (const name of [`mark ${count++}`, `mark ${count++}`]) {
      put(name);
      events.push(...(await gather(feed, has(name))).events);
    }
    return { events: events.filter(({ location }) => !location.startsWith('mark ')) };
  };
  return { feed, connector, mark, cursor: first.cursor };
}

describe('the changes of a library', () => {
  test.each([false, true])('are what was created and written anew in the asset, and nothing else', async (withCTag) => {
    fake.deltas.withCTag = withCTag;
    put('old');
    put('touched');
    const { mark, connector } = await started();
    put('deep/new');
    fake.library.overwrite(at('old'), 'longer');
    fake.library.put('beside/outside', 'x');
    fake.library.put(`${QUARANTINE}/kept`, 'x');
    put('gone');
    fake.library.remove(at('gone'));
    fake.library.putPackage(at('notebook'));
    const { events } = await mark();
    expect(events.map(({ location }) => location).sort()).toEqual(['deep/new', 'old']);
    for (const event of events) {
      const { version, modified } = await connector.stat(event, never);
      expect(event).toMatchObject({ version, at: modified });
    }
  });

  test('a file that was given is not given again for another name or column', async () => {
    const { mark } = await started();
    put('a');
    expect((await mark()).events).toHaveLength(1);
    fake.library.touch(at('a'));
    fake.library.move(at('a'), at('b'));
    expect((await mark()).events).toEqual([]);
    fake.library.overwrite(at('b'), 'longer');
    expect((await mark()).events.map(({ location }) => location)).toEqual(['b']);
  });

  test('a folder that is moved into the asset brings all that is in it', async () => {
    for (const name of ['one', 'deep/two', 'deep/deeper/three']) fake.library.put(`beside/${name}`, 'x');
    const { mark } = await started();
    fake.library.move('beside', at('moved'));
    const { events } = await mark();
    const locations = ['one', 'deep/two', 'deep/deeper/three'].map((name) => `moved/${name}`).sort();
    expect(events.map(({ location }) => location).sort()).toEqual(locations);
  });

  test('a folder in which something changes does not bring what else is in it', async () => {
    for (let i = 0; i < 10; i++) put(`deep/deeper/${i}`);
    const { mark } = await started();
    put('deep/deeper/new');
    expect((await mark()).events.map(({ location }) => location)).toEqual(['deep/deeper/new']);
  });

  test('more than a page of them come page by page, each with its place', async () => {
    fake.deltas.pageSize = 10;
    const { feed } = await started();
    for (let i = 0; i < 35; i++) put(`many/${i}`);
    const names = Array.from({ length: 35 }, (_, i) => `many/${i}`);
    const first = await feed.next(never);
    expect(first.events.length).toBeLessThan(35);
    await first.acknowledge();
    await feed.close();
    const rest = await gather(open(first.cursor), (events) => has(...names)([...first.events, ...events]));
    expect(new Set([...first.events, ...rest.events].map(({ location }) => location))).toEqual(new Set(names));
  });

  test('of several drives are one feed', async () => {
    const users = fake.users.map(({ userPrincipalName }) => userPrincipalName);
    const connector = connect(onedriveSettings(fake, users));
    const feed = open(undefined, connector);
    const coming = gather(feed, (events) => has(...users.map((user) => `${user}/new`))(events));
    await expect.poll(() => fake.requests.filter(({ url }) => url.includes('token=latest')).length).toBe(2);
    for (const user of fake.users) fake.libraryOf(user.drive).put('new', 'x');
    await coming;
  });
});

describe('the place where a feed goes on', () => {
  test('what was not acknowledged is given again, to the same reader and to the next', async () => {
    const { feed, cursor } = await started();
    put('a');
    const batch = await feed.next(never);
    expect(batch.events.map(({ location }) => location)).toEqual(['a']);
    expect((await feed.next(never)).events).toEqual(batch.events);
    await feed.close();
    const again = await gather(open(cursor), has('a'));
    expect(again.events).toEqual(batch.events);
  });

  test('a folder that came in is found whole though the reader dies at any step', async () => {
    fake.deltas.pageSize = 5;
    const names = Array.from({ length: 23 }, (_, i) => `${'deep/'.repeat(i % 4)}${i}`);
    for (const name of names) fake.library.put(`beside/${name}`, 'x');
    let { feed, cursor } = await started();
    fake.library.move('beside', at('moved'));
    const seen = new Set<string>();
    const wanted = names.map((name) => `moved/${name}`);
    for (let i = 0; !wanted.every((name) => seen.has(name)); i++) {
      const batch = await feed.next(never);
      await feed.close();
      // Every other batch is lost with its reader.
      if (i % 2 === 1) {
        for (const { location } of batch.events) seen.add(location);
        cursor = batch.cursor;
      }
      feed = open(cursor);
    }
  });

  test('a feed that is cancelled, or closed, ends at once', async () => {
    const { feed } = await started();
    const stop = new AbortController();
    const waiting = feed.next(stop.signal);
    stop.abort(new Error('told to stop'));
    await expect(waiting).rejects.toThrow('told to stop');
    const other = feed.next(never);
    await feed.close();
    await expect(other).rejects.toMatchObject({ code: 'storage_error' });
  });

  test('a place that Graph no longer knows is told, and the feed goes on from now', async () => {
    const { feed, mark } = await started();
    put('lost');
    fake.deltas.expire();
    await expect(feed.next(never)).rejects.toMatchObject({ code: 'listing_expired' });
    const begun = await feed.next(never);
    expect(begun.events).toEqual([]);
    await begun.acknowledge();
    put('found');
    const batch = await feed.next(never);
    await batch.acknowledge();
    expect(batch.events.map(({ location }) => location)).toEqual(['found']);
    expect((await mark()).events).toEqual([]);
  });

  test('when Graph asks us to slow down nothing is lost', async () => {
    for (const name of ['one', 'two']) fake.library.put(`beside/${name}`, 'x');
    const { feed } = await started();
    const errors: unknown[] = [];
    const seen = new Set<string>();
    fake.library.move('beside', at('moved'));
    put('new');
    // Each kind of question is refused once: for changes, for an item, for what is in a folder.
    for (const part of ['delta', '/items/', 'children']) {
      fake.inject({ match: ({ server, url }) => server === 'graph' && url.includes(part), answer: throttled(2) });
    }
    while (!['moved/one', 'moved/two', 'new'].every((name) => seen.has(name))) {
      try {
        const batch = await feed.next(never);
        for (const { location } of batch.events) seen.add(location);
        await batch.acknowledge();
      } catch (error) {
        errors.push(error);
      }
    }
    expect(errors).toHaveLength(3);
    for (const error of errors) expect(error).toMatchObject({ code: 'throttled', retryAfterMs: 2000 });
  });
});

test('what our own actions change is no event', async () => {
  const { mark, connector } = await started();
  put('bad');
  const { events } = await mark();
  const item = await connector.stat({ location: 'bad' }, never);
  const intent: ActionIntent = {
    item,
    finding: 'job/0-0:0',
    action: 'move',
    destination: 'library/bad',
    judged: { version: item.version as string, sha256: '' },
  } as unknown as ActionIntent;
  expect(await connector.act(intent, never)).toMatchObject({ state: 'done' });
  expect(events).toHaveLength(1);
  expect((await mark()).events).toEqual([]);
});
