import { messageOf } from '../../domain/errors.ts';
import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { closeFd, lstat } from './calls.ts';
import { breaks, eventOf, gapOf, type Seen, see } from './entry.ts';
import { failure } from './failures.ts';
import { type FolderNames, firstBehind, insideOf, type Key, lowerBound } from './folder.ts';
import { type Frame, leave, makeRoom, WALK_LIMITS, type WalkLimits } from './frames.ts';
import { type Raw, readable } from './names.ts';
import { absolute, isHidden, openFolder, type Place, rootFailure } from './place.ts';
import { parsePosition, positionOf, type Reached } from './position.ts';

/** Facts asked for at once. More would keep a slow disk from whoever reads files meanwhile. */
const AHEAD = 64;
/** Entries looked at before others get a turn. */
const STRETCH = 2_048;
/** An `outside` event comes at the latest after this many entries, or this long without any event. */
const OUTSIDE_MAX = 10_000;
const QUIET_MS = 1_000;

/**
 * A walk in the byte order of whole locations. It holds the names of the folder that it is in, and a bounded number of
 * coming names of the folders on the way to it.
 */
export class Walk implements Listing {
  readonly #find: () => Promise<Place>;
  readonly #names: FolderNames;
  readonly #scope: ListScope;
  readonly #limits: WalkLimits;
  readonly #reached: Reached;
  readonly #frames: Frame[] = [];
  #place!: Place;
  #begun = false;
  #closed = false;
  /** Folders read. */
  #folders = 0;
  /** What has been looked at, and the index of the first that no event has told of. */
  #seen: readonly Seen[] = [];
  #at = 0;

  constructor(
    find: () => Promise<Place>,
    names: FolderNames,
    scope: ListScope,
    from: Position | undefined,
    limits: WalkLimits = WALK_LIMITS,
  ) {
    this.#find = find;
    this.#names = names;
    this.#scope = scope;
    this.#limits = limits;
    this.#reached = parsePosition(from);
  }

  position(): Position {
    return positionOf(this.#reached);
  }

  requests(): number {
    return this.#folders;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    const since = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const event = this.#taken() ?? (await this.#advance());
      if (event === 'end') return this.#reached.outside > 0 ? this.#flush() : undefined;
      if (event) return event;
      if (this.#reached.outside >= OUTSIDE_MAX || performance.now() - since > QUIET_MS) return this.#flush();
    }
  }

  /** Never waits once it has something to give, so that an error never takes events with it. */
  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    const events: ListEvent[] = [];
    for (let event = await this.next(signal); event; event = events.length < max ? this.#taken() : undefined) {
      events.push(event);
    }
    return events;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const frame of this.#frames) leave(frame);
    this.#frames.length = 0;
    this.#seen = [];
  }

  /** Names held for the folders on the way to the one being walked, and for that one. */
  held(): { readonly onTheWay: number; readonly here: number } {
    const counts = this.#frames.map((frame) => frame.keys.length);
    const here = counts.pop() ?? 0;
    return { onTheWay: counts.reduce((sum, count) => sum + count, 0), here };
  }

  /** The next event of what has been looked at; the position moves behind it. */
  #taken(): ListEvent | undefined {
    while (this.#at < this.#seen.length) {
      const seen = this.#seen[this.#at++] as Seen;
      this.#reached.after = seen.location;
      if (seen.what === 'outside') this.#reached.outside++;
      const event = eventOf(seen, this.#scope.maxSize);
      if (event) return event;
    }
    return undefined;
  }

  #flush(): ListEvent {
    const count = this.#reached.outside;
    this.#reached.outside = 0;
    return { kind: 'outside', count };
  }

  /** One step that may wait: the next lot of entries, or into or out of a folder. */
  async #advance(): Promise<ListEvent | 'end' | undefined> {
    if (this.#closed) throw new ConnectorError('storage_error', 'the listing is closed');
    if (!this.#begun) await this.#begin();
    const frame = this.#frames.at(-1);
    if (!frame) return 'end';
    const key = frame.keys[frame.next];
    if (key === undefined && !frame.cut) return this.#leave(frame);
    if (key?.endsWith('/')) return this.#enter(frame, key);
    if (key === undefined) return this.#readOn(frame);
    this.#show(await this.#look(frame));
    return undefined;
  }

  #show(seen: readonly Seen[]): void {
    this.#seen = seen;
    this.#at = 0;
  }

  async #begin(): Promise<void> {
    const place = await this.#find();
    this.#place = place;
    this.#reached.root ??= String(place.facts.ino);
    const root: Frame = { folder: '', keys: [], next: 0, cut: false, fd: undefined };
    if (place.only !== undefined) {
      if (place.only > this.#reached.after) root.keys = [place.only];
    } else {
      await this.#rootIsThere();
      try {
        Object.assign(root, await this.#read('', undefined));
      } catch (error) {
        throw rootFailure(error, place.root);
      }
    }
    this.#frames.push(root);
    this.#begun = true;
  }

  /** The keys of a folder, and the first behind the place that has been reached. A reading error is given a second chance. */
  async #read(folder: Raw, held: number | undefined): Promise<Pick<Frame, 'keys' | 'next' | 'fd'>> {
    try {
      return await this.#readOnce(folder, held);
    } catch (error) {
      if (failure(error, 'listing', folder).code !== 'storage_error') throw error;
      return this.#readOnce(folder, held);
    }
  }

  async #readOnce(folder: Raw, held: number | undefined): Promise<Pick<Frame, 'keys' | 'next' | 'fd'>> {
    const path = this.#pathOf(folder);
    const fd = held ?? (await openFolder(path, folder));
    try {
      const keys = await this.#names.read(fd, path);
      this.#folders += 1;
      return { keys, next: firstBehind(keys, folder, this.#reached.after), fd };
    } catch (error) {
      if (held === undefined) closeFd(fd);
      throw error;
    }
  }

  /** Reads the names again that a folder gave up while folders in it were walked. */
  async #readOn(frame: Frame): Promise<undefined> {
    try {
      Object.assign(frame, await this.#read(frame.folder, frame.fd), { cut: false });
    } catch (error) {
      this.#show(await this.#lost(frame, failure(error, 'listing', frame.folder)));
    }
  }

  async #enter(parent: Frame, key: Key): Promise<ListEvent | undefined> {
    const folder = parent.folder + key;
    const inside = this.#scope.mayEnter(readable(folder));
    if (isHidden(this.#place, folder) || !inside) {
      if (!isHidden(this.#place, folder)) this.#reached.outside++;
      this.#pass(parent, folder);
      return undefined;
    }
    leave(parent);
    try {
      const read = await this.#read(folder, undefined);
      parent.next++;
      this.#frames.push({ folder, cut: false, ...read });
      makeRoom(this.#frames, this.#limits);
      return undefined;
    } catch (error) {
      const cause = failure(error, 'listing', folder);
      if (breaks(cause)) throw cause;
      // Gone, or no folder any more: it has not been there all the time.
      if (cause.code === 'not_found') await this.#rootIsThere();
      this.#pass(parent, folder);
      return cause.code === 'not_found' ? undefined : gapOf(folder, cause);
    }
  }

  /** Leaves out a folder. */
  #pass(parent: Frame, folder: Raw): void {
    parent.next++;
    this.#reached.after = folder;
  }

  #leave(frame: Frame): undefined {
    leave(frame);
    this.#frames.pop();
    if (frame.folder !== '') this.#reached.after = frame.folder;
  }

  /** Looks at the entries up to the next folder. */
  async #look(frame: Frame): Promise<Seen[]> {
    const path = this.#pathOf(frame.folder);
    if (frame.fd === undefined && this.#place.only === undefined) {
      try {
        frame.fd = await openFolder(path, frame.folder);
      } catch (error) {
        return this.#lost(frame, failure(error, 'listing', frame.folder));
      }
    }
    const inside = frame.fd === undefined ? path : insideOf(frame.fd, path);
    const waiting: (Seen | Promise<Seen>)[] = [];
    let asked = 0;
    for (let i = frame.next; asked < AHEAD && waiting.length < STRETCH; i++) {
      const key = frame.keys[i];
      if (key === undefined || key.endsWith('/')) break;
      const location = frame.folder + key;
      if (!this.#scope.includes(readable(location))) {
        waiting.push({ what: 'outside', location });
      } else {
        asked++;
        waiting.push(see(inside, key, location));
      }
    }
    const seen = await Promise.all(waiting);
    for (const one of seen) if (one.what === 'fault' && breaks(one.error)) throw one.error;
    if (seen.some((one) => one.what === 'gone')) await this.#rootIsThere();
    return this.#folderNow(frame, seen);
  }

  /** An entry that has become a folder since its folder was read moves to the place that a folder has in the order. */
  #folderNow(frame: Frame, seen: Seen[]): Seen[] {
    const index = seen.findIndex((one) => one.facts?.isDirectory());
    if (index < 0) {
      frame.next += seen.length;
      return seen;
    }
    const name = frame.keys[frame.next + index] as Key;
    const keys = frame.keys.slice(frame.next + index + 1);
    keys.splice(lowerBound(keys, `${name}/`, 0), 0, `${name}/`);
    Object.assign(frame, { keys, next: 0 });
    return seen.slice(0, index);
  }

  /** The folder itself can't be opened any more: what is left of it is a gap, or gone with it. */
  async #lost(frame: Frame, cause: ConnectorError): Promise<Seen[]> {
    if (frame.folder === '') throw rootFailure(cause, this.#place.root);
    if (breaks(cause)) throw cause;
    if (cause.code === 'not_found') await this.#rootIsThere();
    Object.assign(frame, { keys: [], next: 0, cut: false });
    return cause.code === 'not_found' ? [] : [{ what: 'fault', location: frame.folder, error: cause }];
  }

  /**
   * What is missing was taken away only while the asset is still the folder that the walk began on, in whatever process that
   * was: else a mount came or went, and the end of the names is not the end of the listing.
   */
  async #rootIsThere(): Promise<void> {
    const { root } = this.#place;
    const now = await lstat(root).catch((error: unknown) => {
      const message = `${readable(root)} is not there any more: ${messageOf(error)}`;
      throw new ConnectorError('unreachable', message, { cause: error });
    });
    if (this.#place.only !== undefined || String(now.ino) === this.#reached.root) return;
    const message = `${readable(root)} is another folder than when the listing began; mount that again, or start a new scan`;
    throw new ConnectorError('unreachable', message);
  }

  #pathOf(folder: Raw): Raw {
    return folder === '' ? this.#place.root : absolute(this.#place, folder.slice(0, -1));
  }
}
