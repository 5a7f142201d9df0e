import { LedgerError } from './errors.ts';

/** An object as a listing of the store shows it. */
export interface StoredObject {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was written, ms since the epoch, by the store's clock. */
  readonly modifiedMs: number;
}

/**
 * Where the ledger's objects lie: a directory, or a bucket. Names are `/`-separated paths (see `checkName`). All errors are
 * LedgerErrors. Every implementation passes the conformance suite.
 */
export interface ObjectStore {
  /** For people: the path or URL of the store. */
  readonly place: string;
  /**
   * Writes an object once, whole and durable: when it resolves, the bytes survive a crash, and no reader ever sees a part of
   * them. The same bytes under the same name again are accepted.
   * @throws LedgerError `conflict` when other bytes lie there; `no_space`, `not_writable`, `not_there`, `credentials`, `unavailable`
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws LedgerError `not_found`, `not_readable`, `not_there`, `credentials`, `unavailable` */
  get(name: string): Promise<Buffer>;
  /** Every object whose name begins with `prefix`, in no particular order. `prefix` is empty or ends with `/`. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** The names of the folders right below `prefix`, without `/`, in no particular order. */
  folders(prefix: string): AsyncIterable<string>;
  /** Removes an object. One that is not there is no error. @throws LedgerError `not_writable` where removing is not allowed, … */
  delete(name: string): Promise<void>;
  /**
   * Removes what writes that never ended left below `prefix` (temporary files, unfinished uploads) before `beforeMs` (ms since
   * the epoch). Returns how many.
   */
  removeUnfinished(prefix: string, beforeMs: number): Promise<number>;
  /** Gives connections back. */
  close?(): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * Names are one or more segments of letters, digits, `.`, `_`, `-`, not beginning with `.` or `-`, at most 200 characters each.
 * So they are safe on every file system and in every bucket, and never lead out of the store.
 * @throws LedgerError `invalid`
 */
export function checkName(name: string): void {
  for (const segment of name.split('/')) {
    if (segment.length > 200 || !SEGMENT.test(segment)) {
      throw new LedgerError('invalid', name, `${JSON.stringify(name)} can't be the name of a ledger object.`);
    }
  }
}

/** As `checkName`, for what may also be empty, and otherwise ends with `/`. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) {
    throw new LedgerError('invalid', prefix, `${JSON.stringify(prefix)} can't be a prefix: it must end with "/".`);
  }
  checkName(prefix.slice(0, -1));
}
