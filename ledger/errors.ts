import { CodedError, messageOf, systemCode } from '../domain/errors.ts';

/**
 * Every error of the ledger. `retry`: the same call may succeed soon; `hold`: no write will succeed until somebody mends the
 * store; `final`: it is about this object, now, and trying again changes nothing. The table is the whole policy.
 */
export const LEDGER_CODES = {
  /** The store is full, or a quota is used up. */
  no_space: 'hold',
  /** The store refuses writing: permissions, or mounted read-only. */
  not_writable: 'hold',
  /** The store refuses reading. */
  not_readable: 'hold',
  /** The place of the ledger is gone or another one lies there (a mount or a bucket that is missing). */
  not_there: 'hold',
  /** The store does not know who asks: there are no credentials, or they are wrong or expired. */
  credentials: 'hold',
  /** A fault of the store that may pass: an I/O error, a stale handle, too many open files, no connection, throttling. */
  unavailable: 'retry',
  /** There is no such object, job or ledger. */
  not_found: 'final',
  /** The object is there, but its bytes are not what its hash or its format say. */
  corrupt: 'final',
  /** Other content already lies under a name that is written once. */
  conflict: 'final',
  /** The caller's argument can't be written or asked for. */
  invalid: 'final',
} as const;

export type LedgerCode = keyof typeof LEDGER_CODES;

export class LedgerError extends CodedError<LedgerCode> {
  /** Name of the object, or path of the place, that the error is about. */
  readonly object: string;

  constructor(code: LedgerCode, object: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options);
    this.object = object;
  }
}

export function isLedgerError(error: unknown, code: LedgerCode): error is LedgerError {
  return error instanceof LedgerError && error.code === code;
}

/**
 * The ledger error for whatever the file system raised. `doing` completes "Could not …".
 * A missing file becomes `not_found`; what is no system error at all is passed on as it is.
 */
export function fromSystemError(error: unknown, doing: 'read' | 'write' | 'list' | 'delete', path: string): unknown {
  if (error instanceof LedgerError) return error;
  const system = systemCode(error);
  if (system === undefined) return error;
  const make = (code: LedgerCode, what: string): LedgerError =>
    new LedgerError(code, path, `Could not ${doing} ${path} in the ledger: ${what} (${system})`, { cause: error });
  switch (system) {
    case 'ENOSPC':
    case 'EDQUOT':
      return make('no_space', 'the disk is full or its quota is used up. Free some space; the work goes on by itself');
    case 'EACCES':
    case 'EPERM':
      return doing === 'read' || doing === 'list'
        ? make('not_readable', 'permission denied. Let the user that this process runs as read the ledger')
        : make('not_writable', 'permission denied. Let the user that this process runs as write to the ledger');
    case 'EROFS':
      return make('not_writable', 'the file system is read-only. Mount it for writing or configure another ledger');
    case 'ENOENT':
    case 'ENOTDIR':
      return make('not_found', 'there is no such object');
    case 'ENAMETOOLONG':
      return make('invalid', 'the name is too long for this file system. Put the ledger at a shorter path');
    default:
      return make('unavailable', `${messageOf(error)}. Check the file system that holds the ledger`);
  }
}
