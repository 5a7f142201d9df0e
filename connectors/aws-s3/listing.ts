import type { S3Client } from '@aws-sdk/client-s3';
import type { Item } from '../../domain/item.ts';
import { type AheadOptions, type AheadPage, AheadPages } from '../bucket/ahead-pages.ts';
import { type KeyLister, movedOn } from '../bucket/key-range.ts';
import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { archivedIn, isMarker, wholeSeconds } from './object.ts';
import { type Entry, isVersioned, objectsPage, versionsPage } from './pages.ts';
import { type Area, nameOf, type Place } from './place.ts';
import { versionOf } from './version.ts';

/** No key of Unicode below a folder sorts behind this, but for those that begin with it themselves, which are met one by one. */
const HIGHEST = '\u{10ffff}';

/**
 * Items of the assets, one asset after the other. A position is the asset and the last key that was dealt with; `large` in it spares
 * the next listing the time to find that out.
 */
export class S3Listing implements Listing {
  readonly #client: S3Client;
  readonly #place: Place;
  readonly #scope: ListScope;
  readonly #ahead: AheadOptions;
  #area: number;
  #after: string | undefined;
  #outside: number;
  /** The pages to come of this asset. */
  #pages: AheadPages<Entry> | undefined;
  #large: boolean;
  #page: AheadPage<Entry> | undefined;
  #at = 0;
  #versioned: boolean | undefined;
  #requests = 0;

  constructor(client: S3Client, place: Place, scope: ListScope, from: Position | undefined, ahead: AheadOptions) {
    this.#ahead = ahead;
    this.#client = client;
    this.#place = place;
    this.#scope = scope;
    const name = from?.area;
    const found = name === undefined ? 0 : place.areas.findIndex((area) => nameOf(area) === name);
    if (found === -1 && name !== '') {
      throw new ConnectorError(
        'configuration',
        `the listing began on ${String(name)}, which is no asset now: start anew`,
      );
    }
    this.#area = found === -1 ? place.areas.length : found;
    this.#after = typeof from?.after === 'string' ? from.after : undefined;
    this.#outside = Number(from?.outside ?? 0);
    this.#large = from?.large === true;
  }

  position(): Position {
    const area = this.#place.areas[this.#area];
    return {
      area: area === undefined ? '' : nameOf(area),
      ...(this.#after !== undefined && { after: this.#after }),
      outside: this.#outside,
      ...(this.#large && { large: true }),
    };
  }

  requests(): number {
    return this.#requests;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    return (await this.nextBatch(1, signal))[0];
  }

  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    signal.throwIfAborted();
    const events: ListEvent[] = [];
    while (events.length < max) {
      const area = this.#place.areas[this.#area];
      if (area === undefined) break;
      const entry = this.#page?.entries[this.#at];
      if (entry !== undefined) {
        this.#at += 1;
        this.#after = entry.key;
        const item = this.#itemOf(area, entry);
        if (item !== undefined) events.push({ kind: 'item', item });
      } else if (this.#page === undefined) {
        // What was gathered is not lost to a failure of the next page.
        if (events.length > 0) break;
        await this.#turn(area, signal);
      } else if (this.#page.more) {
        // A page may end behind its last entry, or without any.
        this.#after = this.#page.cursor ?? this.#after;
        this.#page = undefined;
        // Whoever waits hears that the listing moves on.
        if (events.length === 0) return [this.#tellOutside()];
      } else {
        this.#area += 1;
        this.#forget();
      }
    }
    if (events.length > 0 || this.#outside === 0) return events;
    return [this.#tellOutside()];
  }

  #tellOutside(): ListEvent {
    const count = this.#outside;
    this.#outside = 0;
    return { kind: 'outside', count };
  }

  async close(): Promise<void> {
    this.#page = undefined;
    this.#pages?.stop();
  }

  #forget(): void {
    this.#page = undefined;
    this.#pages = undefined;
    this.#large = false;
    this.#after = undefined;
    this.#versioned = undefined;
    this.#at = 0;
  }

  async #turn(area: Area, signal: AbortSignal): Promise<void> {
    if (this.#versioned === undefined) {
      this.#requests += 1;
      this.#versioned = await isVersioned(this.#client, area.bucket, signal);
    }
    const after = this.#after === undefined ? undefined : this.#past(area, this.#after);
    if (this.#pages === undefined) {
      const place = after === undefined ? {} : { from: after };
      this.#pages = new AheadPages(this.#listerOf(area, this.#versioned), this.#ahead, place, this.#large);
    } else if (after !== undefined && after !== this.#after) this.#pages.skipTo(after);
    this.#page = await this.#pages.next(signal);
    this.#large = this.#pages.large;
    this.#at = 0;
  }

  #listerOf(area: Area, versioned: boolean): KeyLister<Entry> {
    const ask = versioned ? versionsPage : objectsPage;
    return {
      keyOf: ({ key }) => key,
      page: async ({ from, cursor = from }, signal) => {
        this.#requests += 1;
        const query = { ...area, ...(cursor !== undefined && { after: cursor }) };
        const { entries, next } = await ask(this.#client, query, signal);
        return movedOn({ entries, ...(next !== undefined && { cursor: next }) }, { from, cursor }, nameOf(area));
      },
    };
  }

  /** Where the next page begins: behind a folder that need not be entered, when the last key lies in one. */
  #past(area: Area, last: string): string {
    const hidden = this.#place.hiddenAbove({ bucket: area.bucket, key: last });
    if (hidden !== undefined) return hidden + HIGHEST;
    const closed = this.#closedFolder(area, last);
    return closed === undefined ? last : closed + HIGHEST;
  }

  /** The topmost folder of a key that can hold nothing of the scope, as a whole prefix. */
  #closedFolder(area: Area, key: string): string | undefined {
    const location = this.#place.locationOf(area, key);
    const above = key.length - location.length;
    const base = Math.max(0, above);
    const named = Math.max(0, -above);
    for (let end = location.indexOf('/', named); end !== -1; end = location.indexOf('/', end + 1)) {
      if (!this.#scope.mayEnter(location.slice(0, end + 1))) return key.slice(0, base + end + 1 - named);
    }
    return undefined;
  }

  #itemOf(area: Area, entry: Entry): Item | undefined {
    if (this.#place.hiddenAbove({ bucket: area.bucket, key: entry.key }) !== undefined) return undefined;
    const location = this.#place.locationOf(area, entry.key);
    const closed = this.#closedFolder(area, entry.key) !== undefined;
    // The key of the prefix itself has no name within the asset.
    if (isMarker(entry.key, entry.size) || entry.key === area.prefix || closed || !this.#scope.includes(location)) {
      this.#outside += 1;
      return undefined;
    }
    const { maxSize } = this.#scope;
    const tooLarge = maxSize !== undefined && entry.size > maxSize;
    return {
      location,
      version: versionOf(entry),
      size: entry.size,
      modified: wholeSeconds(entry.modified),
      ...(tooLarge ? { skip: 'size' as const } : archivedIn(entry.storageClass, entry.restored)),
    };
  }
}
