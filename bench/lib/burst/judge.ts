import type { OutcomeRow } from '../../../domain/outcome.ts';
import type { Files } from './deliveries.ts';
import type { Resender } from './resender.ts';

/** What was struck, and what may be scanned again for it. */
export interface Strikes {
  /** When the worker was killed, as Unix time. */
  readonly at: number;
  /** Files that may have been in its hands. */
  readonly bound: number;
  /** Deliveries without an answer when the API was killed. */
  readonly underWay: number;
  /** How long each was away, in milliseconds. */
  readonly apiBack: number;
  readonly workerBack: number;
}

export interface Judgement {
  /** Acknowledged, and no row of theirs was judged. */
  readonly missing: number;
  readonly twice: number;
  readonly oftener: number;
  /** Scanned once before the kill and once after it. */
  readonly inHand: number;
  /** Scanned more than once with no kill between, or more than twice. */
  readonly otherwise: number;
  readonly most: number;
}

/** Holds rows and scans against what was acknowledged. A scan that came while the worker was being killed may arrive that much later. */
export function judge(
  files: Files,
  { acknowledged }: Resender,
  rows: readonly OutcomeRow[],
  scans: ReadonlyMap<string, readonly number[]>,
  strikes?: Strikes,
): Judgement {
  const judged = new Set(rows.flatMap(({ location, judged: by }) => (by === undefined ? [] : [location])));
  const missing = [...acknowledged].filter((location) => !judged.has(location)).length;
  const repeated = [...files.hashes.values()].map((hash) => scans.get(hash) ?? []).filter(({ length }) => length > 1);
  const isInHand = ([one = 0, other = 0, ...more]: readonly number[]): boolean =>
    strikes !== undefined && more.length === 0 && one <= strikes.at + LATE_MS && other > strikes.at;
  const inHand = repeated.filter(isInHand).length;
  return {
    missing,
    twice: repeated.filter(({ length }) => length === 2).length,
    oftener: repeated.filter(({ length }) => length > 2).length,
    inHand,
    otherwise: repeated.length - inHand,
    most: Math.max(0, ...[...files.hashes.values()].map((hash) => scans.get(hash)?.length ?? 0)),
  };
}

const LATE_MS = 300;
