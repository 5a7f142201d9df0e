import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Feed, FeedBatch } from '../../connectors/feed.ts';

/** A source of events with nothing in it, and what a test does to it. */
export interface FeedStage {
  /** Writes an item into the storage, each time with other bytes, so that the source tells of it. */
  put(location: string): Promise<void>;
  /** Puts something into the source that is no event of any kind. */
  junk(): Promise<void>;
  /** A reader. It shows what another one took and never acknowledged within this: `lapseMs`. */
  open(): Promise<Feed>;
  /** After this a message that a killed reader holds is shown again. Milliseconds. */
  readonly lapseMs: number;
  close(): Promise<void>;
}

/** What every source of events must do. */
export function feedConformance(
  name: string,
  server: { start(): Promise<void>; stage(): Promise<FeedStage>; stop(): Promise<void> },
): void {
  describe(`feed of ${name}`, () => {
    let stage: FeedStage;
    const feeds: Feed[] = [];
    const open = async () => {
      const feed = await stage.open();
      feeds.push(feed);
      return feed;
    };
    beforeAll(() => server.start(), 400_000);
    beforeEach(async () => {
      stage = await server.stage();
    });
    afterEach(async () => {
      await Promise.all(feeds.splice(0).map((feed) => feed.close()));
      await stage.close();
    });
    afterAll(() => server.stop());

    test('what is written is told of, by its location, with a version and a time', async () => {
      const feed = await open();
      for (const location of ODD) await stage.put(location);
      const events = await taken(feed, ODD.length);
      expect([...new Set(events.map(({ location }) => location))].sort()).toEqual([...ODD].sort());
      for (const event of events) {
        expect(event.id).not.toBe('');
        expect(event.version).toBeTruthy();
        expect(new Date(event.at).toISOString()).toBe(event.at);
      }
      expect(new Set(events.map(({ id }) => id)).size).toBe(ODD.length);
    });

    test('what was acknowledged is not given again', async () => {
      const feed = await open();
      await stage.put('once.txt');
      expect(await taken(feed, 1)).toHaveLength(1);
      await feed.close();
      const again = await open();
      await stage.put('later.txt');
      expect((await taken(again, 1)).map(({ location }) => location)).toEqual(['later.txt']);
    });

    test('what was not acknowledged is given back at the close, and is the same event', async () => {
      const feed = await open();
      await stage.put('kept.txt');
      const [event] = (await some(feed)).events;
      await feed.close();
      const again = await some(await open());
      expect(again.events.map(({ id }) => id)).toEqual([event?.id]);
      expect(again.events[0]).toMatchObject({ location: 'kept.txt', version: event?.version });
      await again.acknowledge();
    });

    test('a hand-off that lasts longer than the queue hides a message is not overtaken', async () => {
      const feed = await open();
      await stage.put('slow.txt');
      const batch = await some(feed);
      const other = await open();
      const end = Date.now() + stage.lapseMs + 1_000;
      const seen: string[] = [];
      while (Date.now() < end) {
        seen.push(...(await other.next(AbortSignal.timeout(60_000))).events.map(({ location }) => location));
      }
      expect(seen).toEqual([]);
      await batch.acknowledge();
    }, 60_000);

    test('two writes of one location are two events in order', async () => {
      const feed = await open();
      await stage.put('twice.txt');
      const [first] = await taken(feed, 1);
      await stage.put('twice.txt');
      const [second] = await taken(feed, 1);
      expect(second?.id).not.toBe(first?.id);
      expect(second?.location).toBe('twice.txt');
      if (first?.order !== undefined && second?.order !== undefined) expect(second.order >= first.order).toBe(true);
    });

    test('junk does not block, and is counted', async () => {
      const feed = await open();
      await stage.junk();
      await stage.put('behind.txt');
      const found = await gathered(feed, 1, true);
      expect(found.events.map(({ location }) => location)).toEqual(['behind.txt']);
      expect(found.unreadable).toBeGreaterThanOrEqual(1);
    });

    test('a feed that is cancelled ends at once', async () => {
      const feed = await open();
      await stage.put('first.txt');
      await taken(feed, 1);
      const stop = new AbortController();
      const waiting = feed.next(stop.signal);
      setTimeout(() => stop.abort(new Error('told to stop')), 200);
      await expect(waiting).rejects.toThrow('told to stop');
    });
  });
}

const ODD = ['plain.txt', 'a b+c %41.txt', 'ordner/größe/日本.txt', 'q?x=1&y#z.txt'];

/** The first batch with events. */
async function some(feed: Feed): Promise<FeedBatch> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    const batch = await feed.next(signal);
    if (batch.events.length > 0) return batch;
    await batch.acknowledge();
  }
}

async function taken(feed: Feed, count: number): Promise<FeedBatch['events']> {
  return (await gathered(feed, count, false)).events;
}

async function gathered(
  feed: Feed,
  count: number,
  junk: boolean,
): Promise<Pick<FeedBatch, 'events'> & { unreadable: number }> {
  const signal = AbortSignal.timeout(20_000);
  const events: FeedBatch['events'][number][] = [];
  let unreadable = 0;
  while (events.length < count || (junk && unreadable === 0)) {
    const batch = await feed.next(signal);
    events.push(...batch.events);
    unreadable += batch.unreadable ?? 0;
    await batch.acknowledge();
  }
  return { events, unreadable };
}
