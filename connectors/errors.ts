import { CodedError } from '../domain/errors.ts';

/**
 * Every error a connector raises. `retry`: the same call may succeed soon; `hold`: nothing on this connector will succeed
 * until somebody mends it; `final`: it is about this item, now. The table is the whole policy.
 */
export const CONNECTOR_CODES = {
  /** The item is not there (any more). Outcome `vanished`. */
  not_found: 'final',
  /** No permission for this item. */
  permission_denied: 'final',
  /** The item changed, shrank or grew while it was read. Read once more, then `unstable`. */
  changed: 'final',
  /** The name does not stay inside the asset, or is no regular file any more. */
  not_an_item: 'final',
  /** The item lies in a colder tier and must be restored first, which is not ours. Outcome `unscannable`. */
  archived: 'final',
  /** The item is encrypted with a key that only its owner has. Outcome `unscannable`. */
  customer_key: 'final',
  /** The storage no longer knows where a listing was, however often it began anew. What was not listed by then is a gap. */
  listing_expired: 'final',
  /** A reading or listing error of the storage. */
  storage_error: 'retry',
  /** The storage asks us to slow down. */
  throttled: 'retry',
  /** The storage can't be reached, or the asset is not there (a mount that is missing). */
  unreachable: 'hold',
  /** Credentials are refused or have expired. */
  credentials: 'hold',
  /** The connector's settings can't work; the message says which and what to do. */
  configuration: 'hold',
} as const;

export type ConnectorCode = keyof typeof CONNECTOR_CODES;

export class ConnectorError extends CodedError<ConnectorCode> {
  /** How long the storage asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ConnectorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}
