import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageEvent } from '../../domain/event.ts';
import type { Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Feed, FeedBatch } from '../feed.ts';
import type { GraphClient } from './client.ts';
import { modifiedOf } from './drive-item.ts';
import { type Drive, locationOf } from './places.ts';
import { versionOf } from './version.ts';
import { type Changed, Changes } from './watch/changes.ts';
import { cursorOf, type DriveCursor, parseCursor } from './watch/cursor.ts';

/** An empty batch comes after this. Milliseconds. */
const PATIENCE = 20_000;
/** Seconds between two questions for changes. */
const INTERVAL = 30;
/** Files whose last event is remembered, some 200 bytes each. */
const REMEMBERED = 20_000;

export interface GraphFeedOptions {
  readonly client: GraphClient;
  /** The drives, found anew. */
  readonly drives: (signal: AbortSignal) => Promise<readonly Drive[]>;
  readonly from: Position | undefined;
  readonly pageSize: number | undefined;
  /** Seconds between two questions for changes. Default 30. */
  readonly interval?: number;
}

/** The changes of some drives by their deltas. See `docs/connectors/sharepoint.md`. */
class GraphFeed implements Feed {
  readonly #options: GraphFeedOptions;
  readonly #at: Map<string, DriveCursor>;
  #changes: readonly Changes[] | undefined;
  /** Which drive is next, and which have no more for now. */
  #turn = 0;
  #idle = 0;
  /** When the drives are asked again. Monotonic, milliseconds. */
  #due = 0;
  /** What was given last of an item. */
  readonly #given = new Map<string, string>();
  #handed: FeedBatch | undefined;
  readonly #closing = new AbortController();

  constructor(options: GraphFeedOptions) {
    this.#options = options;
    this.#at = new Map(Object.entries(parseCursor(options.from)));
  }

  async next(signal: AbortSignal): Promise<FeedBatch> {
    const until = performance.now() + PATIENCE;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for (;;) {
      either.throwIfAborted();
      if (this.#handed) return this.#handed;
      const now = performance.now();
      if (now >= until) return this.#batch([]);
      if (now < this.#due) {
        await sleep(Math.min(this.#due, until) - now, undefined, { signal: either }).catch(() => undefined);
        continue;
      }
      const events = await this.#step(either);
      if (events === 'begun') return this.#batch([]);
      if (events.length > 0) return this.#batch(events);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new ConnectorError('storage_error', 'the feed is closed'));
  }

  /** One request of the drive whose turn it is. `begun`: its place was not known, and is to be kept before anything changes behind it. */
  async #step(signal: AbortSignal): Promise<StorageEvent[] | 'begun'> {
    this.#changes ??= await this.#open(signal);
    const changes = this.#changes[this.#turn % this.#changes.length];
    if (changes === undefined) return [];
    const { id } = changes.drive;
    const at = this.#at.get(id);
    if (at === undefined) {
      this.#at.set(id, await changes.latest(signal));
      return 'begun';
    }
    try {
      const { files, next } = await changes.step(at, signal);
      this.#at.set(id, next);
      this.#idle = next.within || next.folders.length > 0 ? 0 : this.#idle + 1;
      this.#turn += 1;
      // Each drive in turn, until none has more.
      if (this.#idle >= this.#changes.length) {
        this.#idle = 0;
        this.#due = performance.now() + (this.#options.interval ?? INTERVAL) * 1000;
      }
      return files.flatMap((file) => this.#eventOf(changes.drive, file));
    } catch (error) {
      if (error instanceof ConnectorError) this.#failed(error, id);
      throw error;
    }
  }

  async #open(signal: AbortSignal): Promise<Changes[]> {
    const { client, drives, pageSize } = this.#options;
    return (await drives(signal)).map((drive) => new Changes(client, drive, pageSize));
  }

  /** A place that a drive no longer knows is left: that drive goes on from now. A drive that is not there is looked for again. */
  #failed({ code }: ConnectorError, drive: string): void {
    if (code === 'listing_expired') this.#at.delete(drive);
    if (code === 'configuration' || code === 'unreachable') this.#changes = undefined;
  }

  /** Another name or column of a file that was given is no event. */
  #eventOf(drive: Drive, { names, item }: Changed): StorageEvent[] {
    const location = locationOf(drive, names);
    const version = versionOf(item);
    const key = `${drive.id} ${item.id}`;
    const known = this.#given.get(key);
    this.#given.delete(key);
    this.#given.set(key, item.cTag);
    if (this.#given.size > REMEMBERED) this.#given.delete(this.#given.keys().next().value as string);
    if (known === item.cTag) return [];
    const name = createHash('sha256').update(location).digest('base64url').slice(0, 16);
    const { modified = new Date().toISOString() } = modifiedOf(item);
    return [{ location, id: `${version}:${name}`, version, at: modified }];
  }

  #batch(events: readonly StorageEvent[]): FeedBatch {
    const batch: FeedBatch = {
      events,
      cursor: cursorOf(Object.fromEntries(this.#at)),
      acknowledge: async () => {
        if (this.#handed === batch) this.#handed = undefined;
      },
    };
    if (events.length > 0) this.#handed = batch;
    return batch;
  }
}

/**
 * Watches drives by their deltas. Each batch is of one page, and has the cursor behind it; what was not acknowledged is given again
 * by the next call.
 */
export function createGraphFeed(options: GraphFeedOptions): Feed {
  return new GraphFeed(options);
}
