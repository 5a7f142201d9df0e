import { type AheadOptions, AheadPages } from '../bucket/ahead-pages.ts';
import { type KeyPage, type KeyPlace, movedOn } from '../bucket/key-range.ts';
import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import type { GcsClient } from './client.ts';
import { ITEM_FIELDS, type ItemFacts, isFolderMarker, itemOf } from './item.ts';
import { bucketPath } from './objects.ts';
import { hiddenAbove, locationOf, type Place, type Stretch } from './place.ts';
import { parsePosition, positionOf, type Reached } from './position.ts';

/** What the service gives at most in one answer. */
const PAGE = 1_000;
/** So many entries outside the scope are told at once, so that a listing which meets nothing else shows that it moves on. */
const MANY_OUTSIDE = 1_000;

interface Entry extends ItemFacts {
  readonly name: string;
}

interface Page {
  readonly items?: readonly Entry[];
  readonly nextPageToken?: string;
}

/**
 * Live objects in the service's order, which is the byte order of their keys. It resumes from a key, not from a page token: a
 * token ends with the settings that it was given for, and nobody says when it expires.
 */
export class GcsListing implements Listing {
  readonly #client: GcsClient;
  readonly #place: Place;
  readonly #scope: ListScope;
  readonly #reached: Reached;
  readonly #ahead: AheadOptions;
  #entries: readonly Entry[] = [];
  #next = 0;
  /** The pages behind `#entries`; undefined: ask from the position. */
  #pages: AheadPages<Entry> | undefined;
  /** There is nothing behind `#entries` in this asset. */
  #last = false;
  #requests = 0;

  /** @throws ConnectorError `configuration` for a position of something else */
  constructor(client: GcsClient, place: Place, scope: ListScope, from: Position | undefined, ahead: AheadOptions) {
    this.#ahead = ahead;
    this.#client = client;
    this.#place = place;
    this.#scope = scope;
    this.#reached = parsePosition(place, from);
  }

  position(): Position {
    return positionOf(this.#place, this.#reached);
  }

  requests(): number {
    return this.#requests;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    signal.throwIfAborted();
    for (;;) {
      const asset = this.#place.assets[this.#reached.asset];
      if (asset === undefined) return this.#tellOutside(1);
      const event = this.#step(asset) ?? this.#tellOutside(MANY_OUTSIDE);
      if (event !== undefined) return event;
      if (this.#next < this.#entries.length) continue;
      if (this.#last) this.#enter(this.#reached.asset + 1);
      else await this.#load(asset, signal);
    }
  }

  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    const events: ListEvent[] = [];
    while (events.length < max) {
      // What is at hand is given before another page is asked for.
      if (events.length > 0 && this.#next >= this.#entries.length) break;
      const event = await this.next(signal);
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  async close(): Promise<void> {
    this.#entries = [];
    this.#pages?.stop();
  }

  /** Deals with the next entry at hand, and gives its event where it has one. */
  #step(asset: Stretch): ListEvent | undefined {
    const entry = this.#entries[this.#next];
    if (entry === undefined) return undefined;
    this.#next += 1;
    const { name } = entry;
    const reached = this.#reached;
    const hidden = hiddenAbove(this.#place, { bucket: asset.bucket, key: name });
    if (hidden !== undefined) {
      this.#skip(hidden);
      return undefined;
    }
    const location = locationOf(this.#place, asset, name);
    const closed = this.#closedFolder(location);
    if (closed !== undefined) {
      this.#skip(name.slice(0, name.length - location.length + closed.length));
      reached.outside += 1;
      return undefined;
    }
    Object.assign(reached, { at: name, behind: true });
    if (location === '' || isFolderMarker(name, entry.size)) return undefined;
    if (!this.#scope.includes(location)) {
      reached.outside += 1;
      return undefined;
    }
    return { kind: 'item', item: itemOf(location, entry, this.#scope.maxSize) };
  }

  /** The first folder on the way to a location that need not be entered. */
  #closedFolder(location: string): string | undefined {
    for (let cut = location.indexOf('/'); cut !== -1; cut = location.indexOf('/', cut + 1)) {
      const folder = location.slice(0, cut + 1);
      if (!this.#scope.mayEnter(folder)) return folder;
    }
    return undefined;
  }

  /** Goes on behind all keys that begin with this prefix, which ends with `/`: `0` is the sign behind it. */
  #skip(prefix: string): void {
    const at = `${prefix.slice(0, -1)}0`;
    Object.assign(this.#reached, { at, behind: false });
    while (this.#entries[this.#next]?.name.startsWith(prefix) === true) this.#next += 1;
    // All that is left of the answer lies in there: what follows is asked for anew instead of paging through it.
    if (this.#next >= this.#entries.length && !this.#last) this.#pages?.skipTo(at);
  }

  #enter(asset: number): void {
    Object.assign(this.#reached, { asset, at: '', behind: false, large: false });
    this.#entries = [];
    this.#next = 0;
    this.#pages = undefined;
    this.#last = false;
  }

  async #load(asset: Stretch, signal: AbortSignal): Promise<void> {
    const { at, behind, large } = this.#reached;
    const lister = { keyOf: ({ name }: Entry) => name, page: this.#page.bind(this, asset) };
    this.#pages ??= new AheadPages<Entry>(lister, this.#ahead, at === '' ? {} : { from: at }, large);
    const { entries, more } = await this.#pages.next(signal);
    this.#reached.large = this.#pages.large;
    this.#entries = behind && entries[0]?.name === at ? entries.slice(1) : entries;
    this.#next = 0;
    this.#last = !more;
  }

  async #page({ bucket, prefix }: Stretch, { from, cursor }: KeyPlace, signal: AbortSignal): Promise<KeyPage<Entry>> {
    const query = {
      maxResults: PAGE,
      fields: `kind,nextPageToken,items(${ITEM_FIELDS})`,
      prefix: prefix === '' ? undefined : prefix,
      startOffset: from,
      pageToken: cursor,
    };
    this.#requests += 1;
    const about = { doing: 'listing', bucket };
    const path = `${bucketPath(bucket)}/o`;
    const request = { method: 'GET', path, query, kind: 'storage#objects', about } as const;
    const { items = [], nextPageToken } = await this.#client.json<Page>(request, signal);
    const found = { entries: items, ...(nextPageToken !== undefined && { cursor: nextPageToken }) };
    return movedOn(found, { from, cursor }, `bucket ${bucket}`);
  }

  #tellOutside(least: number): ListEvent | undefined {
    const count = this.#reached.outside;
    if (count < least) return undefined;
    this.#reached.outside = 0;
    return { kind: 'outside', count };
  }
}
