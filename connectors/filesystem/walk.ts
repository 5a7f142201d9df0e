import type { BigIntStats } from 'node:fs';
import { messageOf } from '../../domain/errors.ts';
import type { Item } from '../../domain/item.ts';
import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { closeFd, lstat } from './calls.ts';
import { failure } from './failures.ts';
import { type FolderNames, firstBehind, insideOf, type Key, lowerBound } from './folder.ts';
import { joined, type Raw, readable, refOf } from './names.ts';
import { absolute, isHidden, openFolder, type Place } from './place.ts';
import { readSideCar, SIDE_CAR_END } from './side-car.ts';
import { modifiedOf, versionOf } from './version.ts';

/** Facts asked for at once. More would keep a slow disk from whoever reads files meanwhile. */
const AHEAD = 64;
/** Entries looked at before others get a turn. */
const STRETCH = 2_048;
/** How many names the folders on the way to the one being walked may hold. What they give up is read again later. */
export interface WalkLimits {
  /** Coming names of each. */
  readonly each: number;
  /** Of all together: the outermost, to which the walk returns last, give theirs up first. */
  readonly all: number;
}
const LIMITS: WalkLimits = { each: 16_384, all: 65_536 };
/** An `outside` event comes at the latest after this many entries, or this long without any event. */
const OUTSIDE_MAX = 10_000;
const QUIET_MS = 1_000;

interface Frame {
  /** Raw location of the folder: empty for the asset, else ending with `/`. */
  readonly folder: Raw;
  keys: readonly Key[];
  next: number;
  /** There are names behind the last of `keys` that are not held. */
  cut: boolean;
  fd: number | undefined;
}

/** An entry of a folder as it was met: `gone` since its folder was read, `ours` is never listed. */
type Seen =
  | { readonly what: 'outside'; readonly location: Raw }
  | { readonly what: 'gone'; readonly location: Raw }
  | { readonly what: 'ours'; readonly location: Raw }
  | { readonly what: 'entry'; readonly location: Raw; readonly facts: BigIntStats }
  | { readonly what: 'fault'; readonly location: Raw; readonly error: ConnectorError };

/**
 * A walk in the byte order of whole locations. It holds the names of the folder that it is in, and a bounded number of
 * coming names of the folders on the way to it.
 */
export class Walk implements Listing {
  readonly #find: () => Promise<Place>;
  readonly #scope: ListScope;
  readonly #limits: WalkLimits;
  readonly #names: FolderNames;
  #place!: Place;
  #begun = false;
  #closed = false;
  readonly #frames: Frame[] = [];
  #seen: readonly Seen[] = [];
  #at = 0;
  /** Everything up to here has been dealt with; a folder's name with `/` stands for all that is in it. */
  #after: Raw;
  #outside: number;

  constructor(
    find: () => Promise<Place>,
    names: FolderNames,
    scope: ListScope,
    from: Position | undefined,
    limits: WalkLimits = LIMITS,
  ) {
    this.#names = names;
    this.#find = find;
    this.#scope = scope;
    this.#limits = limits;
    const { after, outside } = parsePosition(from);
    this.#after = after;
    this.#outside = outside;
  }

  position(): Position {
    return { after: Buffer.from(this.#after, 'latin1').toString('base64'), outside: this.#outside };
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    const since = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const event = this.#taken();
      if (event) return event;
      const step = await this.#advance();
      if (step === 'end') return this.#outside > 0 ? this.#flush() : undefined;
      if (step) return step;
      if (this.#outside >= OUTSIDE_MAX || performance.now() - since > QUIET_MS) return this.#flush();
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

  /** The next event of what has been looked at. */
  #taken(): ListEvent | undefined {
    while (this.#at < this.#seen.length) {
      const event = this.#take(this.#seen[this.#at++] as Seen);
      if (event) return event;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const frame of this.#frames) leave(frame);
    this.#frames.length = 0;
    this.#seen = [];
  }

  #flush(): ListEvent {
    const count = this.#outside;
    this.#outside = 0;
    return { kind: 'outside', count };
  }

  /** One step that may wait: the next lot of entries, or into or out of a folder. */
  async #advance(): Promise<ListEvent | 'end' | undefined> {
    if (this.#closed) throw new ConnectorError('storage_error', 'the listing is closed');
    if (!this.#begun) await this.#begin();
    const frame = this.#frames.at(-1);
    if (!frame) return 'end';
    if (frame.next >= frame.keys.length && frame.cut) {
      try {
        Object.assign(frame, await this.#read(frame.folder, frame.fd), { cut: false });
      } catch (error) {
        this.#seen = await this.#lost(frame, failure(error, 'listing', frame.folder));
        this.#at = 0;
      }
      return undefined;
    }
    const key = frame.keys[frame.next];
    if (key === undefined) {
      leave(frame);
      this.#frames.pop();
      if (frame.folder !== '') this.#after = frame.folder;
      return undefined;
    }
    if (key.endsWith('/')) return this.#enter(frame, key);
    this.#seen = await this.#look(frame);
    this.#at = 0;
    return undefined;
  }

  async #begin(): Promise<void> {
    const place = await this.#find();
    this.#place = place;
    const root: Frame = { folder: '', keys: [], next: 0, cut: false, fd: undefined };
    if (place.only === undefined) {
      try {
        Object.assign(root, await this.#read('', undefined));
      } catch (error) {
        throw rootFailure(error, place.root);
      }
    } else if (place.only > this.#after) {
      root.keys = [place.only];
    }
    this.#frames.push(root);
    this.#begun = true;
  }

  /** The keys of a folder, and the first behind the place that has been reached. */
  async #read(folder: Raw, held: number | undefined): Promise<Pick<Frame, 'keys' | 'next' | 'fd'>> {
    const path = this.#pathOf(folder);
    const fd = held ?? (await openFolder(path, folder));
    try {
      const keys = await this.#names.read(fd, path);
      return { keys, next: firstBehind(keys, folder, this.#after), fd };
    } catch (error) {
      if (held === undefined) closeFd(fd);
      throw error;
    }
  }

  async #enter(parent: Frame, key: Key): Promise<ListEvent | undefined> {
    parent.next++;
    const folder = parent.folder + key;
    if (isHidden(this.#place, folder)) {
      this.#after = folder;
      return undefined;
    }
    if (!this.#scope.mayEnter(readable(folder))) {
      this.#outside++;
      this.#after = folder;
      return undefined;
    }
    leave(parent);
    try {
      this.#frames.push({ folder, cut: false, ...(await this.#read(folder, undefined)) });
      this.#makeRoom();
      return undefined;
    } catch (error) {
      const cause = failure(error, 'listing', folder);
      if (cause.code === 'unreachable') throw cause;
      this.#after = folder;
      // Gone, or no folder any more: it has not been there all the time.
      if (cause.code === 'not_found') return await this.#rootIsThere();
      return { kind: 'gap', location: readable(folder), class: 'folder_unreadable', detail: cause.message };
    }
  }

  /** Names held for the folders on the way to the one being walked, and for that one. */
  held(): { readonly onTheWay: number; readonly here: number } {
    const counts = this.#frames.map((frame) => frame.keys.length);
    const here = counts.pop() ?? 0;
    return { onTheWay: counts.reduce((sum, count) => sum + count, 0), here };
  }

  /** Keeps what the folders on the way hold within its limits. */
  #makeRoom(): void {
    const { each, all } = this.#limits;
    const parent = this.#frames.at(-2) as Frame;
    const coming = parent.keys.length - parent.next;
    if (coming > each) parent.cut = true;
    if (parent.keys.length > each) {
      parent.keys = parent.keys.slice(parent.next, parent.next + each);
      parent.next = 0;
    }
    let held = 0;
    for (let i = this.#frames.length - 2; i >= 0; i--) {
      const frame = this.#frames[i] as Frame;
      held += frame.keys.length;
      if (held <= all || frame.keys.length === 0) continue;
      const cut = frame.cut || frame.next < frame.keys.length;
      Object.assign(frame, { keys: [], next: 0, cut });
    }
  }

  /** Looks at the entries up to the next folder. */
  async #look(frame: Frame): Promise<Seen[]> {
    const path = this.#pathOf(frame.folder);
    if (frame.fd === undefined && this.#place.only === undefined) {
      try {
        frame.fd = await openFolder(path, frame.folder);
      } catch (error) {
        return await this.#lost(frame, failure(error, 'listing', frame.folder));
      }
    }
    const inside = frame.fd === undefined ? path : insideOf(frame.fd, path);
    const waiting: (Seen | Promise<Seen>)[] = [];
    let asked = 0;
    const first = frame.next;
    while (asked < AHEAD && waiting.length < STRETCH) {
      const key = frame.keys[frame.next];
      if (key === undefined || key.endsWith('/')) break;
      frame.next++;
      const location = frame.folder + key;
      if (!this.#scope.includes(readable(location))) {
        waiting.push({ what: 'outside', location });
      } else {
        asked++;
        waiting.push(this.#see(inside, key, location));
      }
    }
    const seen = await Promise.all(waiting);
    for (const one of seen) if (one.what === 'fault' && one.error.code === 'unreachable') throw one.error;
    if (seen.some((one) => one.what === 'gone')) await this.#rootIsThere();
    return this.#folderNow(frame, first, seen);
  }

  async #see(inside: Raw, key: Key, location: Raw): Promise<Seen> {
    const path = joined(inside, key);
    try {
      const facts = await lstat(path);
      if (key.endsWith(SIDE_CAR_END) && facts.isFile() && (await isOurs(path))) return { what: 'ours', location };
      return { what: 'entry', location, facts };
    } catch (error) {
      const cause = failure(error, 'looking at', location);
      return cause.code === 'not_found' ? { what: 'gone', location } : { what: 'fault', location, error: cause };
    }
  }

  /** An entry that has become a folder since its folder was read moves to the place that a folder has in the order. */
  #folderNow(frame: Frame, first: number, seen: Seen[]): Seen[] {
    const index = seen.findIndex((one) => one.what === 'entry' && one.facts.isDirectory());
    if (index < 0) return seen;
    const name = frame.keys[first + index] as Key;
    const keys = frame.keys.slice(first + index + 1);
    keys.splice(lowerBound(keys, `${name}/`, 0), 0, `${name}/`);
    Object.assign(frame, { keys, next: 0 });
    return seen.slice(0, index);
  }

  /** The folder itself can't be opened any more: what is left of it is a gap, or gone with it. */
  async #lost(frame: Frame, cause: ConnectorError): Promise<Seen[]> {
    if (cause.code === 'unreachable' || frame.folder === '') throw cause;
    Object.assign(frame, { keys: [], next: 0, cut: false });
    if (cause.code !== 'not_found') return [{ what: 'fault', location: frame.folder, error: cause }];
    await this.#rootIsThere();
    return [];
  }

  /** Turns what was seen into an event, and moves the position behind it. */
  #take(seen: Seen): ListEvent | undefined {
    this.#after = seen.location;
    if (seen.what === 'gone' || seen.what === 'ours') return undefined;
    if (seen.what === 'outside') {
      this.#outside++;
      return undefined;
    }
    if (seen.what === 'fault') {
      if (seen.location.endsWith('/')) {
        return {
          kind: 'gap',
          location: readable(seen.location),
          class: 'folder_unreadable',
          detail: seen.error.message,
        };
      }
      const fault = { class: seen.error.code, detail: seen.error.message };
      return { kind: 'item', item: { ...refOf(seen.location), fault } };
    }
    return { kind: 'item', item: itemOf(seen.location, seen.facts, this.#scope.maxSize) };
  }

  /** What is missing was taken away only while the asset is still the one that the walk began on, and no mount went with it. */
  async #rootIsThere(): Promise<undefined> {
    const { root, facts, only } = this.#place;
    if (only !== undefined) return undefined;
    try {
      const now = await lstat(root);
      if (now.dev === facts.dev && now.ino === facts.ino) return undefined;
    } catch (error) {
      throw new ConnectorError('unreachable', `${readable(root)} is not there any more: ${messageOf(error)}`, {
        cause: error,
      });
    }
    throw new ConnectorError(
      'unreachable',
      `${readable(root)} is another folder than when the listing began (a mount came or went)`,
    );
  }

  #pathOf(folder: Raw): Raw {
    return folder === '' ? this.#place.root : absolute(this.#place, folder.slice(0, -1));
  }
}

/** A listed item from its facts. */
export function itemOf(location: Raw, facts: BigIntStats, maxSize: number | undefined): Item {
  const modified = modifiedOf(facts);
  const size = Number(facts.size);
  const skip = facts.isSymbolicLink()
    ? 'link'
    : !facts.isFile()
      ? 'special'
      : maxSize !== undefined && size > maxSize
        ? 'size'
        : undefined;
  return {
    ...refOf(location),
    version: versionOf(facts),
    size,
    ...(modified !== undefined && { modified }),
    ...(skip !== undefined && { skip }),
  };
}

async function isOurs(path: Raw): Promise<boolean> {
  try {
    return (await readSideCar(path)) !== undefined;
  } catch {
    // Whatever can't be read is an item, and its reading will say why.
    return false;
  }
}

/** The asset itself can't be listed: nothing of it can, until somebody mends that. */
function rootFailure(error: unknown, root: Raw): ConnectorError {
  const cause = failure(error, 'listing the asset', root);
  if (cause.code === 'not_found') return new ConnectorError('unreachable', cause.message, { cause });
  if (cause.code !== 'permission_denied') return cause;
  return new ConnectorError('configuration', `${cause.message}; grant the process read permission`, { cause });
}

function leave(frame: Frame): void {
  if (frame.fd !== undefined) closeFd(frame.fd);
  frame.fd = undefined;
}

function parsePosition(from: Position | undefined): { after: Raw; outside: number } {
  if (from === undefined) return { after: '', outside: 0 };
  const { after, outside } = from;
  if (typeof after !== 'string' || typeof outside !== 'number' || !(outside >= 0)) {
    throw new ConnectorError('configuration', `${JSON.stringify(from).slice(0, 200)} is no position of a file listing`);
  }
  return { after: Buffer.from(after, 'base64').toString('latin1'), outside };
}
