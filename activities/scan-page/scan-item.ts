import type { Connector, OpenItem } from '../../connectors/connector.ts';
import { CONNECTOR_CODES, type ConnectorCode, ConnectorError } from '../../connectors/errors.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { type Item, STORAGE_REASONS } from '../../domain/item.ts';
import { ALLOWED, isFinding, type OutcomeRow, rowHead } from '../../domain/outcome.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { SCANNER_CODES, ScannerError } from '../../scanner/errors.ts';
import { retryDelayMs } from '../../scanner/retry.ts';
import type { Judgement, Scanner } from '../../scanner/scanner.ts';
import type { AllowedBytes } from '../allowed.ts';
import { proveAsset, silent } from '../asset.ts';
import { Deadlines } from '../deadline.ts';
import type { Pace, PacedBody } from './pace.ts';

/** A storage error is tried so often in all before the item is `failed`. */
const STORAGE_TRIES = 3;
/** The same for a storage that asks to slow down, and says for how long: several minutes in all. */
const THROTTLED_TRIES = 10;
/** An item that changed while it was read is read so often in all before it is `failed` (`unstable`). */
const CHANGED_TRIES = 2;
/** An item that takes longer to open is no slow one: its storage is silent. Milliseconds. */
const OPEN_PATIENCE_MS = 60_000;
const openings = new Deadlines(OPEN_PATIENCE_MS);
/** Class of an item that brings out a fault of ours, and how often it is tried in all. */
const FAULT = 'internal';
const FAULT_TRIES = 2;
const NOTE_MAX = 500;

/** Nothing about this item: the scanner's gate is closed, or the storage refuses us. The item keeps its tries. */
export class Blocked extends Error {
  readonly by: 'scanner' | 'storage';
  readonly code: string;

  constructor(by: 'scanner' | 'storage', code: string, message: string) {
    super(message);
    this.by = by;
    this.code = code;
  }
}

/** The page is to stop: what was not sent is not sent any more. The item keeps its tries. */
export class Withheld extends Error {}

export interface ScanItemDeps {
  readonly connector: Connector;
  readonly scanner: Scanner;
  /** Whether bytes are allowed by their hash. */
  readonly allowed: AllowedBytes;
  /** The connector's, for encrypted archives. */
  readonly password?: Hidden | undefined;
  /** Bytes; the connector's own limit. */
  readonly maxSize: number | undefined;
  /** What of our settings bears on the verdicts; every row that was judged names it. */
  readonly policy?: string;
  readonly job: string;
  /** Of the asset, when the job began. */
  readonly fingerprint: string | undefined;
  /** The page's share of the job's rates; undefined: as fast as it goes. */
  readonly pace: Pace | undefined;
  /** On-access: the item goes ahead of those of full scans, within the scanner's share for it. */
  readonly live?: boolean;
  /** Fires with Withheld when no item is to be begun any more. */
  readonly begin: AbortSignal;
  /** Fires with Withheld when nothing is to be sent any more; what is on its way goes on. */
  readonly send: AbortSignal;
  /** As `WorkerDeps.patienceMs`; for tests it may be left out. */
  readonly patienceMs?: number;
  readonly now: () => Date;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** As `ScanRequest.ready`. */
  readonly ready?: () => Promise<void> | undefined;
}

type RowTail = Omit<OutcomeRow, 'item' | 'location' | 'locationBytes' | 'listed' | 'at' | 'rescanOf' | 'rescans'>;

/**
 * Brings one listed item to its outcome (design: "Scanning one item").
 * @throws Blocked when nothing can be scanned at the moment; Withheld; the signal's reason when aborted
 */
export async function scanItem(
  page: string,
  ordinal: number,
  item: Item,
  deps: ScanItemDeps,
  signal: AbortSignal,
): Promise<OutcomeRow> {
  const tail = await outcomeOf(page, ordinal, item, deps, signal);
  return { ...rowHead(page, ordinal, item), ...tail, at: deps.now().toISOString() };
}

/** The row of an item that is not to be scanned, or that ends without being opened. */
export function closedRow(page: string, ordinal: number, item: Item, tail: RowTail, now: Date): OutcomeRow {
  return { ...rowHead(page, ordinal, item), ...tail, at: now.toISOString() };
}

async function outcomeOf(
  page: string,
  ordinal: number,
  item: Item,
  deps: ScanItemDeps,
  signal: AbortSignal,
): Promise<RowTail> {
  if (item.skip !== undefined) {
    return {
      outcome: 'skipped',
      reason: item.skip,
      ...(item.unchanged !== undefined && { unchanged: item.unchanged }),
    };
  }
  if (item.fault !== undefined) return { outcome: 'failed', reason: item.fault.class, note: clip(item.fault.detail) };
  if (item.unscannable !== undefined) {
    return { outcome: 'unscannable', reason: item.unscannable.reason, note: clip(item.unscannable.detail) };
  }
  const failures = new Map<string, number>();
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(page, ordinal, item, attempt, deps, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Withheld) throw error;
      if (concernsAsset(error)) await proveAssetIsThere(deps, signal);
      const verdict = judgeFailure(await doubted(error, failures, deps, signal), attempt, failures);
      if ('row' in verdict) return verdict.row;
      if (verdict.waitMs > 0) await deps.pause(verdict.waitMs, signal);
    }
  }
}

/** What is about the item alone, however the storage is. */
const CONCERNS_ITEM: Partial<Record<ConnectorCode, true>> = {
  changed: true,
  not_an_item: true,
  archived: true,
  customer_key: true,
};

/** Whether the failure may be that of the whole storage: it is the item's own only if the asset is there. */
function concernsAsset(error: unknown): boolean {
  if (error instanceof ScannerError) return error.code === 'scan_timeout';
  return error instanceof ConnectorError && CONCERNS_ITEM[error.code] !== true;
}

/** What would be an item's last failure at the scanner is its own only if the scanner is well. */
async function doubted(
  error: unknown,
  failures: ReadonlyMap<string, number>,
  deps: ScanItemDeps,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof ScannerError)) return error;
  const policy: { readonly tries: number; readonly doubt?: true } = SCANNER_CODES[error.code];
  const last = (failures.get(error.code) ?? 0) + 1 >= policy.tries;
  const due = policy.doubt === true && (last || error.code === 'scan_timeout');
  return due ? await deps.scanner.doubt(error, signal) : error;
}

/** Proves the asset; what is wrong with it blocks the page. */
async function proveAssetIsThere(deps: ScanItemDeps, signal: AbortSignal): Promise<void> {
  try {
    await proveAsset(deps.connector, deps.fingerprint, signal, deps.patienceMs);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConnectorError) throw new Blocked('storage', error.code, error.message);
    throw error;
  }
}

async function attemptOnce(
  page: string,
  ordinal: number,
  item: Item,
  attempt: number,
  deps: ScanItemDeps,
  signal: AbortSignal,
): Promise<RowTail> {
  const { pace } = deps;
  // An item that was begun is tried to its end, unless nothing is sent any more.
  const wait = attempt === 1 ? deps.begin : deps.send;
  if (pace !== undefined) await pace.begin(wait);
  const open = await opened(item, deps, signal);
  try {
    if (deps.maxSize !== undefined && open.size > deps.maxSize) {
      return { outcome: 'skipped', reason: 'size', attempts: attempt };
    }
    if (open.size > deps.scanner.maxBytes) {
      return { outcome: 'unscannable', reason: 'file_too_large', attempts: attempt };
    }
    const note = pace?.refusal(open.size);
    if (note !== undefined) return { outcome: 'failed', reason: 'limit_too_low', note, attempts: attempt };
    const paced = await pace?.body(open.size, wait);
    const judgement = await judge(page, ordinal, open, paced, attempt, deps, signal);
    if (judgement.partial) return partialTail(judgement, attempt);
    await open.confirm();
    return await unlessAllowed(judgedTail(open, judgement, attempt, deps.policy), deps);
  } finally {
    await open.close();
  }
}

/** A storage that gives no answer is told as such; what it opens later on is closed again. */
function opened(item: Item, deps: ScanItemDeps, signal: AbortSignal): Promise<OpenItem> {
  const { connector } = deps;
  return openings.keep(
    connector.open(item, signal),
    () => silent(connector.id, 'opening an item', OPEN_PATIENCE_MS),
    (open) => void open.close(),
  );
}

async function judge(
  page: string,
  ordinal: number,
  open: OpenItem,
  paced: PacedBody | undefined,
  attempt: number,
  deps: ScanItemDeps,
  signal: AbortSignal,
): Promise<Judgement> {
  const body = open.read(signal);
  try {
    return await deps.scanner.scan(
      {
        size: open.size,
        body: paced === undefined ? body : paced.read(body, signal),
        attempt,
        ...(deps.live === true && { live: true }),
        password: deps.password,
        notAfter: deps.send,
        ...(paced !== undefined && { heldMs: () => paced.heldMs() }),
        ...(deps.ready !== undefined && { ready: deps.ready }),
        metadata: { connector: deps.connector.id, job: deps.job, item: `${page}:${ordinal}` },
      },
      signal,
    );
  } catch (error) {
    // A body that ended early or late is the item's change, if it changed; otherwise the reading's fault.
    if (error instanceof ScannerError && error.code === 'short_read') await open.confirm();
    throw error;
  }
}

/** The scanner never had the whole bytes: no version was judged. */
function partialTail(judgement: Judgement, attempts: number): RowTail {
  return {
    outcome: 'unscannable',
    reason: judgement.reason ?? 'other',
    verdict: judgement.verdict,
    scanner: judgement.scanner,
    attempts,
  };
}

function judgedTail(open: OpenItem, judgement: Judgement, attempts: number, policy: string | undefined): RowTail {
  return {
    outcome: judgement.outcome,
    ...(judgement.reason !== undefined && { reason: judgement.reason }),
    judged: { version: open.version, size: judgement.bytes },
    sha256: judgement.sha256,
    verdict: judgement.verdict,
    scanner: { ...judgement.scanner, ...(policy !== undefined && { policy }) },
    attempts,
  };
}

/** A finding whose very bytes are allowed is skipped, with everything that was found out; nothing is done to it. By its hash, never by its name. */
async function unlessAllowed(tail: RowTail, deps: ScanItemDeps): Promise<RowTail> {
  if (!isFinding(tail.outcome) || tail.sha256 === undefined) return tail;
  const entry = await deps.allowed(tail.sha256);
  if (entry === undefined) return tail;
  const note = clip(`${tail.outcome}, and allowed by ${entry.by} at ${entry.at}: ${entry.reason}`);
  return { ...tail, outcome: 'skipped', reason: ALLOWED, note };
}

/** What a failed attempt means: a final row, or another attempt after a wait. */
function judgeFailure(
  error: unknown,
  attempt: number,
  failures: Map<string, number>,
): { row: RowTail } | { waitMs: number } {
  if (error instanceof ConnectorError) return storageFailure(error, attempt, failures);
  if (error instanceof ScannerError) return scannerFailure(error, attempt, failures);
  if (error instanceof LedgerError || error instanceof Blocked) throw error;
  // A fault of ours that one item brings out is that item's failure, and not the end of a job of millions.
  const count = countOf(failures, FAULT);
  return count < FAULT_TRIES ? { waitMs: 0 } : { row: failed(FAULT, asError(error), attempt) };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}

function storageFailure(error: ConnectorError, attempt: number, failures: Map<string, number>) {
  if (error.code === 'not_found') return { row: { outcome: 'vanished', attempts: attempt } as const };
  const reason = STORAGE_REASONS.find((known) => known === error.code);
  if (reason !== undefined) {
    return { row: { outcome: 'unscannable', reason, note: clip(error.message), attempts: attempt } as const };
  }
  const count = countOf(failures, error.code);
  if (error.code === 'changed') {
    return count < CHANGED_TRIES ? { waitMs: 0 } : { row: failed('unstable', error, attempt) };
  }
  // The asset is there: what would hold the whole connector is this item's own.
  const tries = error.code === 'throttled' ? THROTTLED_TRIES : STORAGE_TRIES;
  if (CONNECTOR_CODES[error.code] !== 'final' && count < tries) {
    return { waitMs: error.retryAfterMs ?? retryDelayMs('scanner_transient', count, undefined) };
  }
  return { row: failed(error.code, error, attempt) };
}

function scannerFailure(error: ScannerError, attempt: number, failures: Map<string, number>) {
  const policy = SCANNER_CODES[error.code];
  if (policy.blame === 'gate') throw new Blocked('scanner', error.code, error.message);
  const count = countOf(failures, error.code);
  if (count < policy.tries) return { waitMs: retryDelayMs(error.code, count, error.retryAfterMs) };
  return { row: failed(error.code, error, attempt) };
}

function failed(reason: string, error: Error, attempts: number): RowTail {
  return { outcome: 'failed', reason, note: clip(messageOf(error)), attempts };
}

function countOf(failures: Map<string, number>, code: string): number {
  const count = (failures.get(code) ?? 0) + 1;
  failures.set(code, count);
  return count;
}

function clip(text: string): string {
  return text.length <= NOTE_MAX ? text : `${text.slice(0, NOTE_MAX - 1)}…`;
}
