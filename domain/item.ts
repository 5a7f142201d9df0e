import type { Judged } from './incremental.ts';
import type { Was } from './retry.ts';

/**
 * What pins the bytes of an item: an opaque token made by the connector (ETag + version id, generation, or
 * device + inode + size + mtime + ctime in nanoseconds). Two tokens are the same version exactly if they are equal.
 */
export type Version = string;

/** Why an entry inside the scope is listed but not to be scanned (the rule of a `skipped` outcome). */
export type SkipRule = 'link' | 'special' | 'size' | 'duplicate' | 'unchanged' | 'superseded' | 'allowed';

/** Why a storage does not give the bytes of an item that is there: reasons of `unscannable`. */
export const STORAGE_REASONS = ['archived', 'customer_key'] as const;
export type StorageReason = (typeof STORAGE_REASONS)[number];

/** One object, blob, file or drive item as it was listed. A line of a page. */
export interface Item {
  /** Path or key within the connector's asset, `/`-separated, no leading slash. Invalid UTF-8 is shown with U+FFFD. */
  readonly location: string;
  /** Base64 of the exact bytes of the location; present exactly when they are not valid UTF-8. */
  readonly locationBytes?: string;
  /** The version at listing. Absent when the entry could not be read, or when it was named by a request and not yet seen. */
  readonly version?: Version;
  /** Bytes, as the store reported them at listing. */
  readonly size?: number;
  /** Last modification, ISO 8601 in UTC. */
  readonly modified?: string;
  /** Set when the entry is inside the scope but is not to be scanned: it ends `skipped` under this rule. */
  readonly skip?: SkipRule;
  /** Set when listing met the entry but could not read its facts: it ends `failed` with this class. */
  readonly fault?: { readonly class: string; readonly detail: string };
  /** Set when the listing shows that the bytes can't be had: it ends `unscannable` with this reason. */
  readonly unscannable?: { readonly reason: StorageReason; readonly detail: string };
  /** The item (`page:ordinal`) whose action found this newer version in place. */
  readonly rescanOf?: string;
  /** How many times in a row this location was listed again because it changed (at most 3). */
  readonly rescans?: number;
  /** With `skip: 'unchanged'`: the row that judged these very bytes. */
  readonly unchanged?: Judged;
  /** The row that a retry scans anew, as `job/page:ordinal`. */
  readonly retryOf?: string;
  /** The line of the intake page with which a remote connector pushed it, as `intakeLine` has it. */
  readonly pushed?: string;
  /** What that row said, for the counters of the whole. */
  readonly was?: Was;
}

/** What names an item to a connector: enough to open it or act on it. */
export type ItemRef = Pick<Item, 'location' | 'locationBytes'>;

/** Identity of an item within its job: page id and ordinal (0-based line of the page), as `0-12:345`. */
export function itemId(page: string, ordinal: number): string {
  return `${page}:${ordinal}`;
}

/** Page id from lane and number, as `0-12`. Lane 0 is the listing, lane 1 what item actions listed again. */
export function pageId(lane: number, number: number): string {
  return `${lane}-${number}`;
}

/** The exact bytes of a location. */
export function locationBytes(ref: ItemRef): Buffer {
  return ref.locationBytes === undefined ? Buffer.from(ref.location, 'utf8') : Buffer.from(ref.locationBytes, 'base64');
}
