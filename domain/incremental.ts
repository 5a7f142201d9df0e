import type { OutcomeRow } from './outcome.ts';

/** Seconds after which an item is scanned again although nothing about it changed, where the scan does not say: 30 days. */
export const RESCAN_AFTER = 30 * 86_400;
export const LONGEST_RESCAN_AFTER = 366 * 86_400;

/** What an `unchanged` row stands on: the row that judged the bytes, however many incremental scans ago. */
export interface Judged {
  /** That row, as `job/page:ordinal`. */
  readonly row: string;
  /** Root hash of that job's ledger. */
  readonly root: string;
  /** When it was recorded, ISO 8601. */
  readonly at: string;
  /** What it was judged under, as the row's scanner stamp has it. */
  readonly policy: string;
  readonly modelTime?: string;
  /** True when a stand-in judged it. */
  readonly standIn?: true;
}

/**
 * Why nothing is skipped although the scan is incremental. Closed set.
 * - `no_baseline`: no scan of this source has ended
 * - `other_asset`: the scans that ended were of another asset (another bucket, device or library)
 * - `damaged`: the ledger of a scan that would have to be heeded is damaged, or parts of it are gone
 * - `too_large`: more rows would have to be held in memory than a worker may
 */
export const NO_BASELINE = ['no_baseline', 'other_asset', 'damaged', 'too_large'] as const;
export interface NoBaseline {
  readonly code: (typeof NO_BASELINE)[number];
  readonly detail: string;
}

/** What an incremental scan tells of itself beside its counters. */
export interface Incremental {
  /** The scan whose rows the listing was laid beside, and the root of its ledger. */
  readonly since?: { readonly job: string; readonly root: string };
  /** Why all items, or those of some pages, were scanned although they may be unchanged. */
  readonly why?: NoBaseline;
  /**
   * Items to be scanned of which no row names the version: new ones, and changes that no event brought. Retries of failures and
   * the like are none of them. Absent without a baseline.
   */
  readonly unannounced?: number;
}

/** What the scanner and its settings are now: rows that were judged otherwise don't count. */
export interface Standing {
  readonly scanner: string;
  /** Whether the scan is one of a stand-in: rows of a stand-in count for no other. */
  readonly standIn: boolean;
  readonly policy: string;
  readonly modelTime?: string;
}

/**
 * What of a row carries over to an item that is the same still: the row itself when it judged its bytes clean, or the row that it
 * stands on. Undefined: it carries nothing over, and the item is to be scanned.
 * @param job that the row belongs to, and the root of its ledger
 */
export function carriedBy(row: OutcomeRow, job: string, root: string, now: Standing): Judged | undefined {
  const judged = judgedBy(row, job, root, now);
  if (judged === undefined || judged.policy !== now.policy || judged.modelTime !== now.modelTime) return undefined;
  return (judged.standIn ?? false) === now.standIn ? judged : undefined;
}

function judgedBy(row: OutcomeRow, job: string, root: string, now: Standing): Judged | undefined {
  if (row.outcome === 'skipped') return row.reason === 'unchanged' ? row.unchanged : undefined;
  const { scanner, judged } = row;
  if (row.outcome !== 'clean' || scanner?.policy === undefined || judged === undefined) return undefined;
  // A row that judged another version than was listed knows the time of the wrong one.
  const other = row.listed.version !== undefined && row.listed.version !== judged.version;
  if (scanner.name !== now.scanner || other) return undefined;
  return {
    row: `${job}/${row.item}`,
    root,
    at: row.at,
    policy: scanner.policy,
    ...(scanner.modelTime !== undefined && { modelTime: scanner.modelTime }),
    ...(scanner.standIn && { standIn: true }),
  };
}

/** The version that a row names: the one that was judged, else the one listed. */
export function versionNamed(row: OutcomeRow): string | undefined {
  return row.judged?.version ?? row.listed.version;
}

/** When the bytes of a row were judged, in milliseconds: of an `unchanged` one, when they were judged for the first time. */
export function judgedAt(row: OutcomeRow): number {
  return Date.parse(row.unchanged?.at ?? row.at);
}

/** Whether a row says anything of the bytes of its item: of what was skipped by a rule it does not. */
export function tellsOfBytes({ outcome, reason }: OutcomeRow): boolean {
  return outcome !== 'skipped' || reason === 'unchanged' || reason === 'allowed';
}

/** The figures after one more planning turn. The first baseline that was told stays. */
export function addIncremental(a: Incremental | undefined, b: Incremental): Incremental {
  const since = a?.since ?? b.since;
  const why = b.why ?? a?.why;
  const known = a?.unannounced !== undefined || b.unannounced !== undefined;
  return {
    ...(since !== undefined && { since }),
    ...(why !== undefined && { why }),
    ...(known && { unannounced: (a?.unannounced ?? 0) + (b.unannounced ?? 0) }),
  };
}
