import type { ActionCode, ActionIntent, ActionRow, ItemAction } from '../domain/action.ts';
import type { Item, ItemRef, Version } from '../domain/item.ts';
import type { Feed } from './feed.ts';
import type { Subscriber } from './subscriber.ts';

/** What a storage kind can do. What it can't is refused when the connector is configured, not at the finding. */
export interface Capabilities {
  /** Listing is in the byte order of the whole location (a folder sorts as its name with `/`). */
  readonly ordered: boolean;
  readonly actions: readonly ItemAction[];
  /** `enforced`: the store itself compares the version; `checked`: before and after, and a race is reported. */
  readonly conditional: 'enforced' | 'checked';
  readonly restore: boolean;
}

/** Where a listing goes on: made and understood by the connector alone, JSON, kept in the ledger, never in a workflow. */
export type Position = Readonly<Record<string, unknown>>;

/** One event of a listing, in order. */
export type ListEvent =
  | { readonly kind: 'item'; readonly item: Item }
  /** A folder that could not be listed: a gap. `location` ends with `/`. */
  | { readonly kind: 'gap'; readonly location: string; readonly class: 'folder_unreadable'; readonly detail: string }
  /** Entries met outside the scope since the last event of this kind. May be 0: then it only shows that the listing moves on. */
  | { readonly kind: 'outside'; readonly count: number };

/** A listing under way. Pull events with `next`; `position` is then the place right behind the last event pulled. */
export interface Listing {
  /**
   * The next event, or undefined at the end.
   * @throws ConnectorError when the listing breaks; the position stays behind the last event.
   */
  next(signal: AbortSignal): Promise<ListEvent | undefined>;
  /**
   * Up to `max` events at once, at least one, none at the end: what `next` would give, at less cost an item. `position` is
   * then the place behind the last of them.
   */
  nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]>;
  /** Resuming from here lists exactly what follows: nothing twice, nothing left out that was there all the time. */
  position(): Position;
  /**
   * True once the listing had to begin anew in its middle: from there on it may give what it gave before. Whoever lists marks such
   * items `duplicate`. Absent: never. It stays true for whoever goes on from the position.
   */
  repeats?(): boolean;
  /** Questions asked of the store so far: what an estimate tells of the cost of a listing. */
  requests(): number;
  close(): Promise<void>;
}

/** What a listing leaves out and how it marks what it keeps. */
export interface ListScope {
  /** True when a file at this location is inside the filter. */
  readonly includes: (location: string) => boolean;
  /** False when nothing below this folder (ends with `/`) can be inside, so that it need not be entered. May always be true. */
  readonly mayEnter: (folder: string) => boolean;
  /** Larger items get `skip: 'size'`. */
  readonly maxSize?: number;
}

/** An item held open at one version. Its bytes are read once, front to back. */
export interface OpenItem {
  /** The version that is open, which need not be the one listed. */
  readonly version: Version;
  /** Bytes that the store promises for this version. */
  readonly size: number;
  /** ISO 8601. */
  readonly modified?: string;
  /**
   * The bytes. A chunk is valid until the next one is asked for. Yields at most `size` bytes plus one chunk.
   * @throws ConnectorError
   */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Call after the last byte: resolves when the bytes read are those of `version`, whole.
   * @throws ConnectorError `changed` when the item changed, shrank or grew while it was read.
   */
  confirm(): Promise<void>;
  /** Frees the handle; never throws; may be called twice. */
  close(): Promise<void>;
}

/** What an item action came to. The caller writes it down as an action row. */
export interface ActionReport {
  readonly state: Extract<ActionRow['state'], 'done' | 'failed' | 'refused'>;
  readonly code: ActionCode;
  readonly note?: string;
  readonly destination?: string;
  readonly made?: readonly Version[];
  readonly undo?: ActionRow['undo'];
  /** With `version_changed`, or where removing a version brought up another one: what is in place now, to be listed and scanned. */
  readonly current?: Item;
}

/** What a connector's check found. `ok: false` comes with what is wrong and what to do. */
export interface CheckReport {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** One place that could be a connector's asset, as its setting `asset` names it. */
export interface Asset {
  readonly asset: string;
  /** What it is, for a person. */
  readonly detail?: string;
}

/** Assets in an order that stays; `next` is there while there may be more. */
export interface AssetPage {
  readonly assets: readonly Asset[];
  readonly next?: string;
}

/** One storage, bound and configured. One instance serves many calls at once. */
export interface Connector {
  readonly id: string;
  readonly kind: string;
  readonly capabilities: Capabilities;
  /** What identifies the place that is scanned (for a folder its device), to notice that a mount is not there. */
  fingerprint(signal: AbortSignal): Promise<string>;
  /** Tries what a scan needs (reach, list, read) and, for `action`, what the action needs (write, rename, free name). Changes nothing that lasts. */
  check(action: ItemAction, signal: AbortSignal): Promise<CheckReport>;
  /** Starts or resumes a listing. Quarantine and our own side-car files are never listed. */
  list(scope: ListScope, from: Position | undefined): Listing;
  /**
   * The source that tells of changes inside the asset when it is asked; absent where the storage has none. Nothing is opened before
   * the first `next`. What it gives is inside the asset and outside quarantine, and is not held against the connector's filter.
   * @param from the `cursor` of the last batch that was handed over; undefined on the first start: then it begins with what changes from now on
   */
  feed?(from: Position | undefined): Feed;
  /** What has the storage call us; absent where it is told to by its own administrator. */
  subscriber?(): Subscriber;
  /**
   * What could be scanned with these credentials: buckets, containers, libraries, the folders at the top. `after` is a `next`.
   * @throws ConnectorError `permission_denied` when the credentials reach their asset and may not look around
   */
  assets(query: { readonly limit: number; readonly after?: string }, signal: AbortSignal): Promise<AssetPage>;
  /**
   * One item as a listing would show it now. Where the storage can't be looked at from here, it is as its `version` has it.
   * @throws ConnectorError `not_found`, …
   */
  stat(ref: ItemRef & Partial<Pick<Item, 'version'>>, signal: AbortSignal): Promise<Item>;
  /**
   * Opens the item at whatever version is in place. Give the listed item whole: where its `version` is the one in place, the
   * connector can spare itself the proof that the location stays inside the asset.
   * @throws ConnectorError
   */
  open(ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<OpenItem>;
  /**
   * Carries out an intent on the version that was judged, and no other. Repeating it, also after a crash at any point, is
   * harmless and reports the same. Never throws for what a storage can answer; that is a report.
   */
  act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport>;
  /** Undoes an action from its row, conditionally: nothing is overwritten. */
  restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport>;
  close(): Promise<void>;
}

export type { Item, ItemRef, Version };
