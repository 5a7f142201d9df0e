import type { BlobItem, ContainerClient, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';
import type { Item } from '../../domain/item.ts';
import { type AheadOptions, AheadPages } from '../bucket/ahead-pages.ts';
import { type KeyLister, movedOn } from '../bucket/key-range.ts';
import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import { ask } from './ask.ts';
import { isFolder, itemOf, unaddressable } from './entry.ts';
import { assetName, byteOrder, isAddressable, type Names } from './names.ts';
import type { AzureAsset } from './settings.ts';

/** What a listing needs of its connector. */
export interface ListingDeps {
  readonly names: Names;
  readonly pageSize: number;
  readonly ahead: AheadOptions;
  readonly container: (name: string) => ContainerClient;
}

/**
 * The blobs of all assets, one after the other, in pages. Resumed by name (`startFrom`). A store that does not know that
 * parameter begins anew: then the page that the position is in is asked for by its continuation token, and what comes before
 * the position is dropped.
 */
export class BlobListing implements Listing {
  readonly #deps: ListingDeps;
  readonly #scope: ListScope;
  /** The asset that is listed; past the last one at the end. */
  #asset: number;
  /** Whole name of the last blob that was taken. */
  #after: string | undefined;
  /** Token of the page that `#after` is in; undefined for the first. */
  #token: string | undefined;
  #page: readonly BlobItem[] = [];
  #at = 0;
  /** The pages behind the one in hand; undefined when none was asked for. */
  #pages: AheadPages<BlobItem> | undefined;
  /** The page in hand is the last one of the asset. */
  #last = false;
  #large: boolean;
  #resuming: boolean;
  #outside: number;
  #requests = 0;

  constructor(deps: ListingDeps, scope: ListScope, from: Position | undefined) {
    this.#deps = deps;
    this.#scope = scope;
    const { asset, after, token, outside, large } = (from ?? {}) as Readonly<Record<string, unknown>>;
    const behind = deps.names.assets.findIndex((one) => byteOrder(assetName(one), String(asset ?? '')) >= 0);
    this.#asset = behind === -1 ? deps.names.assets.length : behind;
    const same = assetName(deps.names.assets[this.#asset] ?? { container: '', prefix: '' }) === asset;
    this.#after = same && typeof after === 'string' ? after : undefined;
    this.#token = same && typeof token === 'string' ? token : undefined;
    this.#large = same && large === true;
    this.#outside = Number(outside ?? 0);
    this.#resuming = this.#after !== undefined;
    if (from?.done === true) this.#asset = deps.names.assets.length;
  }

  position(): Position {
    const asset = this.#deps.names.assets[this.#asset];
    return {
      ...(asset === undefined ? { done: true } : { asset: assetName(asset) }),
      ...(this.#after !== undefined && { after: this.#after }),
      ...(this.#token !== undefined && { token: this.#token }),
      ...(this.#large && { large: true }),
      ...(this.#outside > 0 && { outside: this.#outside }),
    };
  }

  requests(): number {
    return this.#requests;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    const [event] = await this.nextBatch(1, signal);
    return event;
  }

  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    signal.throwIfAborted();
    const events: ListEvent[] = [];
    while (events.length < max) {
      const blob = this.#page[this.#at];
      if (blob !== undefined) {
        this.#at++;
        this.#after = blob.name;
        const item = this.#itemOf(this.#deps.names.assets[this.#asset] as AzureAsset, blob);
        if (item !== undefined) events.push({ kind: 'item', item });
        continue;
      }
      // What is in hand is given before the store is asked for more.
      if (events.length > 0) break;
      if (this.#outside > 0 && (this.#page.length > 0 || this.#asset === this.#deps.names.assets.length)) {
        events.push({ kind: 'outside', count: this.#outside });
        this.#outside = 0;
        break;
      }
      if (!(await this.#turn(signal)) && this.#outside === 0) break;
    }
    return events;
  }

  async close(): Promise<void> {
    this.#page = [];
    this.#at = 0;
    this.#pages?.stop();
  }

  /** The item that a blob is; undefined for what is none, or lies outside. */
  #itemOf(asset: AzureAsset, blob: BlobItem): Item | undefined {
    const { names } = this.#deps;
    if (isFolder(blob.metadata, blob.properties.contentLength) || names.isHidden(asset.container, blob.name))
      return undefined;
    const location = names.locationOf(asset, blob.name);
    // A blob that is named as the prefix itself has no location below it.
    if (blob.name === asset.prefix || !this.#scope.includes(location)) {
      this.#outside++;
      return undefined;
    }
    const item = itemOf(location, blob.properties, this.#scope.maxSize);
    return isAddressable(blob.name) ? item : unaddressable(item);
  }

  /** Asks for the next page, of the next asset where one is at its end. False when all are. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    if (this.#last) {
      this.#asset++;
      this.#after = undefined;
      this.#token = undefined;
      this.#pages = undefined;
      this.#last = false;
      this.#large = false;
      this.#page = [];
    }
    const asset = this.#deps.names.assets[this.#asset];
    if (asset === undefined) return false;
    if (this.#resuming) await this.#resume(asset, signal);
    else await this.#turnPage(asset, signal);
    return true;
  }

  async #resume(asset: AzureAsset, signal: AbortSignal): Promise<void> {
    const after = this.#after as string;
    const token = this.#token;
    const page = await this.#ask(asset, undefined, after, signal);
    const [blob] = page.segment.blobItems;
    // A name before the position: the store has its own order, or has begun anew.
    if (blob !== undefined && isBefore(blob.name, after) && (await this.#isFirst(asset, blob.name, signal))) {
      await this.#dropUpTo(asset, after, signal);
    } else {
      this.#take(asset, page, token);
      // The name itself comes first, while it is there.
      if (blob?.name === after) this.#at = 1;
    }
    this.#resuming = false;
  }

  async #isFirst(asset: AzureAsset, name: string, signal: AbortSignal): Promise<boolean> {
    const page = await this.#ask(asset, undefined, undefined, signal);
    return page.segment.blobItems[0]?.name === name;
  }

  /** Goes on behind a name in a store that can't begin at one. */
  async #dropUpTo(asset: AzureAsset, after: string, signal: AbortSignal): Promise<void> {
    for (let token = this.#token; ; ) {
      const page = await this.#ask(asset, token, undefined, signal);
      this.#take(asset, page, token);
      token = page.continuationToken;
      const same = this.#page.findIndex(({ name }) => name === after);
      const behind = this.#page.findIndex(({ name }) => byteOrder(name, after) > 0);
      this.#at = same !== -1 ? same + 1 : behind === -1 ? this.#page.length : behind;
      if (same !== -1 || behind !== -1 || this.#last) return;
    }
  }

  async #turnPage(asset: AzureAsset, signal: AbortSignal): Promise<void> {
    this.#pages ??= this.#pagesOf(asset, undefined);
    const { entries, place, more } = await this.#pages.next(signal);
    this.#large = this.#pages.large;
    this.#token = place.cursor;
    this.#page = entries;
    this.#at = 0;
    this.#last = !more;
  }

  /** A page that was asked for alone; what follows is behind it. */
  #take(asset: AzureAsset, page: ContainerListBlobFlatSegmentResponse, token: string | undefined): void {
    const { segment, continuationToken = '' } = page;
    this.#token = token;
    this.#page = segment.blobItems;
    this.#at = 0;
    this.#last = continuationToken === '';
    this.#pages = this.#pagesOf(asset, continuationToken);
  }

  #pagesOf(asset: AzureAsset, token: string | undefined): AheadPages<BlobItem> {
    const lister: KeyLister<BlobItem> = {
      keyOf: ({ name }) => name,
      page: async ({ from, cursor }, signal) => {
        const page = await this.#ask(asset, cursor, cursor === undefined ? from : undefined, signal);
        const { segment, continuationToken = '' } = page;
        const found = { entries: segment.blobItems, ...(continuationToken !== '' && { cursor: continuationToken }) };
        return movedOn(found, { from, cursor }, assetName(asset));
      },
    };
    const place = token === undefined ? {} : { cursor: token };
    return new AheadPages(lister, this.#deps.ahead, place, this.#large);
  }

  async #ask(
    { container, prefix }: AzureAsset,
    token: string | undefined,
    from: string | undefined,
    signal: AbortSignal,
  ) {
    this.#requests++;
    const doing = { doing: 'listing', what: assetName({ container, prefix }) };
    return ask(doing, signal, async (abortSignal) => {
      const pages = this.#deps.container(container).listBlobsFlat({
        abortSignal,
        includeMetadata: true,
        ...(prefix !== '' && { prefix }),
        ...(from !== undefined && { startFrom: from }),
      });
      const settings = { maxPageSize: this.#deps.pageSize, ...(token !== undefined && { continuationToken: token }) };
      const page = await pages.byPage(settings).next();
      return page.value as ContainerListBlobFlatSegmentResponse;
    });
  }
}

/** Whether a name comes before another one in every order that a store may have: that of bytes, and that of UTF-16. */
function isBefore(name: string, other: string): boolean {
  return name < other && byteOrder(name, other) < 0;
}
