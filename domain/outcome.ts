import type { Judged } from './incremental.ts';
import type { Item, SkipRule, Version } from './item.ts';

/** The closed set of outcomes. Every listed item ends in exactly one. */
export const OUTCOMES = [
  'clean',
  'malicious',
  'policy_blocked',
  'unscannable',
  'inconclusive',
  'skipped',
  'vanished',
  'failed',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Why something could not be judged (the reason of `unscannable`). Normalised; the scanner's own text is kept beside it. Two are the
 * storage's: `archived` (to be restored from a colder tier first) and `customer_key` (encrypted with a key that only its owner has).
 */
export type UnscannableReason =
  | 'encrypted_file'
  | 'file_too_large'
  | 'file_type_not_supported'
  | 'corrupted_file'
  | 'archive_nesting_limit'
  | 'archive_too_large'
  | 'zip_bomb'
  | 'scan_error'
  | 'archived'
  | 'customer_key'
  | 'other';

/** What the scanner said, reduced to what a row keeps. Free text is bounded by its producer. */
export interface VerdictDetail {
  /** The verdict exactly as the scanner spelled it. */
  readonly verdict: string;
  readonly threatType?: string;
  readonly fileType?: string;
  /** The scanner's own reason text. */
  readonly reasonRaw?: string;
  readonly description?: string;
  readonly containerFiles?: number;
  readonly containerBytes?: number;
}

/** Who judged: written into every row that a scanner's answer stands behind. */
export interface ScannerStamp {
  /** Name of the scanner in the configuration (never its URL or token). */
  readonly name: string;
  /** True when a stand-in answered. Such a row is no proof of anything, and says so. */
  readonly standIn: boolean;
  readonly scanId?: string;
  readonly engineMicros?: number;
  /** When the scanner's model was last updated, as it reported it. */
  readonly modelTime?: string;
  /** What of our own settings bears on its verdicts, as one hash (`activities/policy.ts`). Rows of another policy are judged anew. */
  readonly policy?: string;
}

/** One line of a segment: what was recorded for one item. */
export interface OutcomeRow {
  /** `page:ordinal`, unique within the job. */
  readonly item: string;
  readonly location: string;
  readonly locationBytes?: string;
  readonly outcome: Outcome;
  /** `unscannable`: the reason; `skipped`: the rule; `failed`: the class. Absent on the others. */
  readonly reason?: string;
  /** A sentence for a person; bounded to 500 characters. */
  readonly note?: string;
  readonly listed: { readonly version?: Version; readonly size?: number; readonly modified?: string };
  /** The version whose bytes were judged, and how many they were. Present exactly when a scanner judged them; then a finding may be `skipped` (`allowed`). */
  readonly judged?: { readonly version: Version; readonly size: number };
  /** SHA-256 of the bytes sent, lower-case hex. Present exactly when `judged` is. */
  readonly sha256?: string;
  readonly verdict?: VerdictDetail;
  readonly scanner?: ScannerStamp;
  /** Times the item was opened or scanned, 1 for the ordinary case; absent when it never was. */
  readonly attempts?: number;
  readonly rescanOf?: string;
  readonly rescans?: number;
  /** The row that this one replaces, as `job/page:ordinal`; of a retry. */
  readonly retryOf?: string;
  /** As of the item. */
  readonly pushed?: string;
  /** Of `skipped` (`unchanged`): the row that judged these very bytes. */
  readonly unchanged?: Judged;
  /** When the outcome was recorded, ISO 8601 in UTC. */
  readonly at: string;
}

export type OutcomeCounts = Readonly<Record<Outcome, number>>;

/** Sums over rows, and nothing else. */
export interface Counters {
  readonly outcomes: OutcomeCounts;
  /** Bytes that were sent to a scanner and judged. */
  readonly bytes: number;
  /** Rows judged by a stand-in, and `unchanged` ones that stand on its judgement. */
  readonly standIn: number;
  /** Rows `skipped` because the hash of their bytes is allowed, whatever the scanner said. Absent: none. */
  readonly allowed?: number;
  /** Rows `skipped` because a row of an earlier scan judged the same version clean. Absent: none. */
  readonly unchanged?: number;
}

/** The rule of a row whose bytes were judged a finding, and are allowed by their hash. */
export const ALLOWED = 'allowed' satisfies SkipRule;

/** The rule of a row whose bytes an earlier scan judged clean. */
export const UNCHANGED = 'unchanged' satisfies SkipRule;

export function noOutcomes(): Record<Outcome, number> {
  return {
    clean: 0,
    malicious: 0,
    policy_blocked: 0,
    unscannable: 0,
    inconclusive: 0,
    skipped: 0,
    vanished: 0,
    failed: 0,
  };
}

export function noCounters(): Counters {
  return { outcomes: noOutcomes(), bytes: 0, standIn: 0 };
}

export function addCounters(a: Counters, b: Counters): Counters {
  const outcomes = noOutcomes();
  for (const o of OUTCOMES) outcomes[o] = a.outcomes[o] + b.outcomes[o];
  const allowed = (a.allowed ?? 0) + (b.allowed ?? 0);
  const unchanged = (a.unchanged ?? 0) + (b.unchanged ?? 0);
  const skipped = { ...(allowed > 0 && { allowed }), ...(unchanged > 0 && { unchanged }) };
  return { outcomes, bytes: a.bytes + b.bytes, standIn: a.standIn + b.standIn, ...skipped };
}

/** How many rows the counters stand for. */
export function rowsOf(counters: Counters): number {
  let rows = 0;
  for (const o of OUTCOMES) rows += counters.outcomes[o];
  return rows;
}

/** Counters of a set of rows: the definition that every other count must agree with. */
export function countRows(rows: Iterable<OutcomeRow>): Counters {
  const outcomes = noOutcomes();
  let bytes = 0;
  let standIn = 0;
  let allowed = 0;
  let unchanged = 0;
  for (const row of rows) {
    outcomes[row.outcome] += 1;
    bytes += row.judged?.size ?? 0;
    if (row.scanner?.standIn || row.unchanged?.standIn) standIn += 1;
    if (row.outcome === 'skipped' && row.reason === ALLOWED) allowed += 1;
    if (row.outcome === 'skipped' && row.reason === UNCHANGED) unchanged += 1;
  }
  return { outcomes, bytes, standIn, ...(allowed > 0 && { allowed }), ...(unchanged > 0 && { unchanged }) };
}

/** A finding is an outcome that an item action may follow, or that a person must see. */
export function isFinding(outcome: Outcome): boolean {
  return outcome === 'malicious' || outcome === 'policy_blocked';
}

/** The part of a row that comes from the listing. */
export function rowHead(page: string, ordinal: number, item: Item): Omit<OutcomeRow, 'outcome' | 'at'> {
  return {
    item: `${page}:${ordinal}`,
    location: item.location,
    ...(item.locationBytes !== undefined && { locationBytes: item.locationBytes }),
    listed: {
      ...(item.version !== undefined && { version: item.version }),
      ...(item.size !== undefined && { size: item.size }),
      ...(item.modified !== undefined && { modified: item.modified }),
    },
    ...(item.rescanOf !== undefined && { rescanOf: item.rescanOf }),
    ...(item.rescans !== undefined && { rescans: item.rescans }),
    ...(item.retryOf !== undefined && { retryOf: item.retryOf }),
    ...(item.pushed !== undefined && { pushed: item.pushed }),
  };
}
