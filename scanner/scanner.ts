import type { Hidden } from '../domain/hidden.ts';
import type { ScannerStamp, UnscannableReason, VerdictDetail } from '../domain/outcome.ts';
import type { ScannerError } from './errors.ts';

/** What is sent. The caller owns `body` and closes its source. */
export interface ScanRequest {
  /** Bytes that the store promised. The scan fails if the body ends earlier or later. Undefined: unknown, sent chunked. */
  readonly size: number | undefined;
  /** The bytes, read once. A chunk is valid until the next one is asked for. Errors thrown by it come out as they are. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Facts for `X-Custom-Metadata` (job, item, …); encoded and capped by the client; only sent when metadata is on. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Somebody waits for this very item: it goes ahead of others, within a share of the slots. */
  readonly live?: boolean;
  /** Opens encrypted archives and documents, where the scanner can; revealed for the one header that carries it. */
  readonly password?: Hidden | undefined;
  /**
   * Which attempt at this item this is, from 1 (the default). What a scanner with a good probe refuses to one item alone is the
   * item's own failure: `scanner_transient` at first, `scanner_request` from the third attempt on (`scanner_busy` for what was
   * unreachable or starting).
   */
  readonly attempt?: number;
  /** Once it has fired, a body that was not begun is not sent: the call fails with its reason. What is on its way goes on. */
  readonly notAfter?: AbortSignal;
  /** How long the caller has held the body back on purpose so far, in milliseconds: no silence, and no part of any deadline. */
  readonly heldMs?: () => number;
  /** Asked once a slot is free, before anything is sent: a promise to wait for, if sending is not certain to be right. */
  readonly ready?: () => Promise<void> | undefined;
}

/** A verdict that counts: the bytes sent were whole, and the scanner's own size and hash, where given, agree. */
export interface Judgement {
  readonly outcome: 'clean' | 'malicious' | 'policy_blocked' | 'unscannable' | 'inconclusive';
  /** Present exactly for `unscannable`. */
  readonly reason?: UnscannableReason;
  readonly verdict: VerdictDetail;
  readonly scanner: ScannerStamp;
  /** SHA-256 of the bytes sent, lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  /**
   * Set when the scanner never had the whole bytes (above the size limit: its 413, or our own cap). Then `bytes` and `sha256`
   * are those of the part that was sent, no version was judged, and the row carries neither `judged` nor `sha256`.
   * Only ever together with `unscannable`.
   */
  readonly partial?: true;
}

/** One DSXA scanner: one pool, one limiter, one gate, shared by everything in the process that scans with it. */
export interface Scanner {
  readonly name: string;
  /** What of its settings bears on its verdicts: its address and the protected entity. No secret is in it. */
  readonly identity: string;
  /**
   * One attempt, once a slot of the limiter is free. The slot is held until the answer is parsed or the attempt has failed.
   * While the gate is closed it fails at once with the gate's code: the caller awaits `untilOpen` (as long as it likes) and
   * tries again, which costs the item no try. It also fails with the signal's reason, which frees the connection.
   * @throws ScannerError for everything the scanner or the way to it did wrong; the source's own errors come out unchanged.
   */
  scan(request: ScanRequest, signal: AbortSignal): Promise<Judgement>;
  /**
   * Asks, before an item is given up for a failure that the whole scanner may have (busy, broken, no answer), whether it is the
   * scanner's: a probe that fails too closes the gate. Costs nothing while the gate is closed.
   * @returns the failure as it is to be taken: itself, or one with the gate's code
   */
  doubt(failure: ScannerError, signal: AbortSignal): Promise<ScannerError>;
  /** Sends a tiny benign body and tells what came back: reach, token, entity and readiness in one. Costs one scan. */
  probe(signal: AbortSignal): Promise<ProbeReport>;
  /**
   * Resolves when the gate is open (at once if it is). Probes go out, at growing intervals, only while somebody waits here.
   * @throws the signal's reason; ScannerError once the scanner was closed in this process
   */
  untilOpen(signal: AbortSignal): Promise<void>;
  /** Items whose listed size is above it need no scan: they are `unscannable` (`file_too_large`). In bytes. */
  readonly maxBytes: number;
  /** What the limiter and the gate are doing now. */
  state(): ScannerState;
  close(): Promise<void>;
}

export interface ProbeReport {
  readonly ok: boolean;
  /** Present when not ok: the code of the failure. */
  readonly code?: string;
  readonly detail: string;
  readonly standIn: boolean;
  readonly elapsedMs: number;
  /** Set when it took the probe and gave no answer: cut off, or so busy that even a tiny body waits. */
  readonly silent?: true;
}

export interface ScannerState {
  readonly limit: number;
  readonly inFlight: number;
  readonly bytesInFlight: number;
  readonly waiting: number;
  /** Set while the gate is closed: the scanner is down, refuses our token, or is still loading. */
  readonly gate?: { readonly code: string; readonly since: string; readonly detail: string };
}
