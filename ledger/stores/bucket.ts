import type { StoredObject } from '../store.ts';

/** One answer of a listing. */
export interface BucketPage {
  /** `name`: the whole key. */
  readonly objects: readonly StoredObject[];
  /** Whole keys of the folders, each with `/` at its end; only of a listing by folders. */
  readonly folders: readonly string[];
}

/**
 * What the ledger asks of a bucket, by whole keys. Each call is one request (a listing one for each page), tried once: whoever calls has
 * retries of his own. All errors are LedgerErrors.
 */
export interface Bucket {
  /** Writes the object if its key is free. `taken`: the store says that it is not, or that somebody else is writing it. */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'taken'>;
  /** Writes the object whatever lies there: for stores that do not know the condition of `create`. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** @throws LedgerError `not_found` */
  get(key: string): Promise<Buffer>;
  /** Every object whose key begins with `prefix`; `byFolder`: those right below it, and the folders there. */
  list(prefix: string, byFolder: boolean): AsyncIterable<BucketPage>;
  /** One that is not there is no error. */
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}
