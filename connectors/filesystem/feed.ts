import { createHash } from 'node:crypto';
import type { StorageEvent } from '../../domain/event.ts';
import type { Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Feed, FeedBatch } from '../feed.ts';
import { lstat } from './calls.ts';
import { isLocal, tellsOfChanges } from './descriptor.ts';
import { pathOf, readable, refOf } from './names.ts';
import type { FileWatch, Place } from './place.ts';
import { versionOf } from './version.ts';
import { cursorOf, parseCursor } from './watch/cursor.ts';
import { NativeSource } from './watch/native.ts';
import { PollSource } from './watch/poll.ts';
import { Recent } from './watch/recent.ts';
import { type SettledFile, Settling } from './watch/settling.ts';
import type { Source, SourceDeps } from './watch/source.ts';
import type { WatchFolder } from './watch/system-watch.ts';

/** Events of a batch. */
const MOST = 1_000;
/** An empty batch comes after this. Milliseconds. */
const PATIENCE = 20_000;
const SETTLE = 2;
/** Seconds from walk to walk where the system tells nothing. */
const POLL = 60;
/** How far the clock of a file server may be off. Milliseconds. */
const SKEW = 300_000;

export interface FileFeedOptions extends FileWatch {
  /** Finds the asset anew. @throws ConnectorError */
  readonly find: () => Promise<Place>;
  readonly from: Position | undefined;
  /** What the system's own notices come by, how many folders may be watched, and how many files a poll remembers. For tests. */
  readonly watchFolder?: WatchFolder;
  readonly mostWatched?: number;
  readonly mostRemembered?: number;
}

interface Opened {
  readonly place: Place;
  readonly source: Source;
}

/** Files of an asset that came or changed. See `docs/connectors/filesystem.md`. */
class FileFeed implements Feed {
  readonly #options: FileFeedOptions;
  readonly #recent = new Recent();
  #settling: Settling | undefined;
  #opened: Opened | undefined;
  #source: Source | undefined;
  /** All that changed before has been given (milliseconds since 1970), of the folder with this inode. */
  #since: number | undefined;
  #root: string | undefined;
  /** Given, and not acknowledged. */
  #handed: FeedBatch | undefined;
  #closed = false;
  #woken = false;
  #waiting: () => void = () => undefined;

  constructor(options: FileFeedOptions) {
    this.#options = options;
    if (options.from === undefined) return;
    const { since, root } = parseCursor(options.from);
    this.#since = since;
    this.#root = root;
  }

  async next(signal: AbortSignal): Promise<FeedBatch> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed) throw new ConnectorError('storage_error', 'the feed is closed');
      if (this.#handed) return this.#handed;
      this.#woken = false;
      try {
        this.#opened ??= await this.#open();
        const { place, source } = this.#opened;
        const settling = this.#settling as Settling;
        const work = await source.step(signal);
        const settled = await settling.look(place, MOST, () => this.#rootIsThere(), source.bound());
        const events = settled.flatMap((file) => this.#eventOf(file));
        const left = until - performance.now();
        if (events.length > 0 || left <= 0) return this.#batch(events);
        await this.#pause(Math.min(work, settling.wait(), left), signal);
      } catch (error) {
        if (!signal.aborted) this.#broke();
        throw error;
      } finally {
        // What this turn began to watch while it was closed.
        if (this.#closed) this.#source?.close();
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#source?.close();
    this.#wake();
  }

  async #open(): Promise<Opened> {
    const place = await this.#options.find();
    const path = pathOf(place.root);
    const root = String((await lstat(place.root)).ino);
    const known = this.#root;
    this.#root = root;
    if (known !== undefined && known !== root) {
      this.#since = Date.now();
      const message = `${readable(place.root)} is another folder than the one that was watched; what changed in it until now is for a scan to find`;
      throw new ConnectorError('listing_expired', message);
    }
    this.#since ??= Date.now();
    this.#source ??= await this.#makeSource(path);
    this.#source.open(place, this.#since);
    return { place, source: this.#source };
  }

  async #makeSource(path: string | Buffer): Promise<Source> {
    const { settle = SETTLE, poll, watchFolder, mostWatched, mostRemembered } = this.#options;
    const [local, told] = await Promise.all([isLocal(path), tellsOfChanges(path)]);
    const skew = local || told ? 0 : SKEW;
    const settling = new Settling(
      { settle: settle * 1000, skew },
      {
        folder: (location, facts, bound) => source.folder(location, facts, bound),
        gone: (location) => source.gone(location),
      },
    );
    const deps: SourceDeps = {
      note: (location, appeared, bound) => settling.note(location, appeared, bound),
      full: () => settling.full,
      wake: () => this.#wake(),
      rootIsThere: () => this.#rootIsThere(),
      skew,
    };
    const source: Source =
      told && poll === undefined
        ? new NativeSource(deps, watchFolder, mostWatched)
        : new PollSource(deps, (poll ?? POLL) * 1000, mostRemembered);
    this.#settling = settling;
    return source;
  }

  /** The asset is opened anew by the next call, which finds what changed meanwhile. What waits to stand still goes on waiting. */
  #broke(): void {
    if (this.#opened) this.#since = this.#bound(this.#opened.source);
    this.#opened = undefined;
  }

  #bound(source: Source): number {
    return Math.min(source.bound(), this.#settling?.bound() ?? Number.POSITIVE_INFINITY);
  }

  /** @throws ConnectorError `unreachable` when the asset is away, or another folder has its path: then nothing is taken for gone */
  async #rootIsThere(): Promise<void> {
    const { root } = (this.#opened as Opened).place;
    const now = await lstat(root).catch(() => undefined);
    if (now !== undefined && String(now.ino) === this.#root) return;
    throw new ConnectorError('unreachable', `${readable(root)} is not there any more, or is another folder; mount it`);
  }

  #eventOf({ location, facts }: SettledFile): StorageEvent[] {
    const version = versionOf(facts);
    if (!this.#recent.add(location, version)) return [];
    const name = createHash('sha256').update(location, 'latin1').digest('base64url').slice(0, 16);
    const order = facts.ctimeNs.toString().padStart(20, '0');
    const at = new Date(Number(facts.ctimeMs)).toISOString();
    return [{ ...refOf(location), id: `${version}:${name}`, version, order, at }];
  }

  #batch(events: readonly StorageEvent[]): FeedBatch {
    const since = Math.floor(this.#bound((this.#opened as Opened).source));
    const batch: FeedBatch = {
      events,
      cursor: cursorOf({ since, root: this.#root as string }),
      acknowledge: async () => {
        if (this.#handed === batch) this.#handed = undefined;
      },
    };
    if (events.length > 0) this.#handed = batch;
    return batch;
  }

  /** Waits, until something is noticed at the latest. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (milliseconds <= 0 || this.#woken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(milliseconds, PATIENCE));
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    this.#waiting = stop;
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }

  #wake(): void {
    this.#woken = true;
    this.#waiting();
  }
}

/**
 * Watches the files of an asset. Gives at most 1,000 events at once, each of a regular file that stood still; what was not
 * acknowledged is given again by the next call.
 */
export function createFileFeed(options: FileFeedOptions): Feed {
  return new FileFeed(options);
}
