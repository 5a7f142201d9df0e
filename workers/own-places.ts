import path from 'node:path';
import type { CommonConfig } from '../config/common.ts';
import { isUrl, type LedgerBucket, parseLedgerBucket } from '../domain/ledger-place.ts';

/** Where our own state lies. Nothing in it is ever an item. */
export interface OwnPlaces {
  /** Absolute. */
  readonly folders: readonly string[];
  /** The ledger, when it lies in a bucket: see `ledgerPrefixIn`. */
  readonly bucket?: LedgerBucket;
}

export function ownPlaces({ home, ledger }: Pick<CommonConfig, 'home' | 'ledger'>): OwnPlaces {
  const bucket = parseLedgerBucket(ledger.place);
  const folders = [home, ...(isUrl(ledger.place) ? [] : [ledger.place])].map((folder) => path.resolve(folder));
  return { folders, ...(bucket !== undefined && { bucket }) };
}
