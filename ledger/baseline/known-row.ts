import {
  carriedBy,
  type Judged,
  judgedAt,
  type Standing,
  tellsOfBytes,
  versionNamed,
} from '../../domain/incremental.ts';
import type { Item } from '../../domain/item.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { parseRow } from '../unchanged.ts';
import type { Originals } from './open-baseline.ts';

/** What the newest row of a location says, as far as an incremental scan asks. */
export interface KnownRow {
  /** When the bytes were judged, milliseconds: the greater one is the newer row. */
  readonly at: number;
  /** The version that it names. */
  readonly version: string | undefined;
  /** Facts that an unchanged item has in common with it; times in milliseconds, NaN where none is known. */
  readonly size: number;
  readonly modified: number;
  /** What carries over; undefined: the item is to be scanned. */
  readonly judged: Judged | undefined;
}

/** What the rows of one job are taken under. */
export interface Reading {
  readonly job: string;
  /** Absent: the rows carry nothing over. */
  readonly root: string | undefined;
  readonly now: Standing;
  readonly originals: Originals;
}

/** A row for comparison; undefined when it says nothing of any bytes. @throws LedgerError */
export async function knownRow(row: OutcomeRow, { job, root, now, originals }: Reading): Promise<KnownRow | undefined> {
  if (!tellsOfBytes(row)) return undefined;
  // It stands on a row that is heeded itself.
  if (root === undefined && row.unchanged !== undefined) return undefined;
  let judged = root === undefined ? undefined : carriedBy(row, job, root, now);
  if (judged !== undefined && row.unchanged !== undefined) {
    // A row that leads to a ledger which is gone proves nothing to an auditor.
    const original = parseRow(judged.row);
    if (original === undefined || !(await originals.has(original.job, judged.root))) judged = undefined;
  }
  return {
    at: judgedAt(row),
    version: versionNamed(row),
    size: row.judged?.size ?? row.listed.size ?? Number.NaN,
    modified: modifiedMs(row.listed.modified),
    judged,
  };
}

/** Milliseconds of a time as listings have it; NaN when there is none. */
export function modifiedMs(modified: string | undefined): number {
  return modified === undefined ? Number.NaN : Date.parse(modified);
}

/** The newer of two rows of one location. Of two that are equally old the one that carries nothing over stands. */
export function newerOf(a: KnownRow | undefined, b: KnownRow | undefined): KnownRow | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.at !== b.at) return a.at > b.at ? a : b;
  return a.judged === undefined ? a : b;
}

/** Whether an item, as it is listed now, names the version of a row. */
export function isVersion({ version }: Item, known: Pick<KnownRow, 'version'>): boolean {
  return version !== undefined && version !== '' && version === known.version;
}

/** Whether it has the size of the row, and its time, where the row knows one. */
export function sameFacts({ size, modified }: Item, known: Pick<KnownRow, 'size' | 'modified'>): boolean {
  return size === known.size && (Number.isNaN(known.modified) || modifiedMs(modified) === known.modified);
}
