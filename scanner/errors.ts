import { CodedError } from '../domain/errors.ts';

/**
 * Every failure of a scan attempt (the table of scanner answers in `docs/scanner.md`).
 * - `item`: about this item; after `tries` attempts in all it is recorded as `failed` with this class
 *   (`doubt`: unless a probe fails too: then it was the scanner's, and the item keeps its tries)
 * - `gate`: about the scanner, not the item: the item keeps its tries, the gate closes until a probe succeeds
 */
export const SCANNER_CODES = {
  /** Refused, no route, name not found, connect timeout. */
  scanner_unreachable: { blame: 'gate', tries: Number.POSITIVE_INFINITY },
  /** 401, 403. */
  scanner_auth: { blame: 'gate', tries: Number.POSITIVE_INFINITY },
  /** "initializing". */
  scanner_starting: { blame: 'gate', tries: Number.POSITIVE_INFINITY },
  /** Wrong URL, 3xx, 404, 405, TLS trust, wrong protected entity, a stand-in where none is allowed. */
  scanner_config: { blame: 'gate', tries: Number.POSITIVE_INFINITY },
  /** 429, 502, 503, 504: the limiter shrinks and Retry-After is honoured. */
  scanner_busy: { blame: 'item', tries: 6, doubt: true },
  /** 408, 425, 500. */
  scanner_transient: { blame: 'item', tries: 3, doubt: true },
  /** The connection broke: a network says less about an item than an answer does, and may take seconds to mend. */
  scanner_dropped: { blame: 'item', tries: 5, doubt: true },
  /** No progress, no answer in time. */
  scan_timeout: { blame: 'item', tries: 2, doubt: true },
  /** 400 without a verdict, 411, 431: this request can't be made. */
  scanner_request: { blame: 'item', tries: 1 },
  /** Not JSON, no verdict, `Scanning` on a synchronous endpoint, the old API's answer. */
  scanner_protocol: { blame: 'item', tries: 3, doubt: true },
  /** The scanner's size or hash is not that of the bytes sent. Never a verdict. */
  scanner_mismatch: { blame: 'item', tries: 2 },
  /** The body ended before or after the promised size. Never a verdict. */
  short_read: { blame: 'item', tries: 2 },
} as const satisfies Record<string, { blame: 'item' | 'gate'; tries: number; doubt?: true }>;

export type ScannerCode = keyof typeof SCANNER_CODES;

export class ScannerError extends CodedError<ScannerCode> {
  /** From Retry-After, in milliseconds, capped by the client. */
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;

  constructor(
    code: ScannerCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number; status?: number } = {},
  ) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }
}
