import type { ActionRow } from '../domain/action.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { checkLimit } from './cursor.ts';
import type { JobLedger } from './job-ledger.ts';
import { actionsOf, viewOf } from './job-view.ts';
import { cachedLines } from './lines-cache.ts';
import { parseItem } from './names.ts';
import { MAX_ROWS } from './outcomes.ts';

/** Segments that one call reads at most. */
const MAX_SEGMENTS = 32;

/**
 * Rows of the closed pages, newest first, at most `limit`. Pages are worked on in order, so the last ones hold the newest rows; among those that
 * are read the order is that of the rows' times.
 * @param fits which rows count
 * @throws LedgerError
 */
export async function newestRows(
  job: JobLedger,
  limit: number,
  fits: (row: OutcomeRow) => boolean,
): Promise<readonly OutcomeRow[]> {
  checkLimit(limit, MAX_ROWS);
  const { closed } = await viewOf(job);
  const rows: OutcomeRow[] = [];
  for (const page of closed.slice(-MAX_SEGMENTS).reverse()) {
    const lines = await cachedLines(job.objects, page.segment, 'segments', page.page);
    for (let line = lines.count; line >= 1; line--) {
      const row = lines.parse(line) as OutcomeRow;
      if (fits(row)) rows.push(row);
    }
    if (rows.length >= limit) break;
  }
  return rows.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, limit);
}

/** The row of an item, `page:ordinal`; undefined when no closed page has one. @throws LedgerError */
export async function rowOf(job: JobLedger, item: string): Promise<OutcomeRow | undefined> {
  const at = parseItem(item);
  const page = (await viewOf(job)).closed.find((one) => one.page === at?.page);
  if (page === undefined) return undefined;
  const lines = await cachedLines(job.objects, page.segment, 'segments', page.page);
  for (const line of lines.containing(`"item":${JSON.stringify(item)}`)) {
    const row = lines.parse(line) as OutcomeRow;
    if (row.item === item) return row;
  }
  return undefined;
}

/** What became of the item actions of these rows, by item. @throws LedgerError */
export async function latestActions(
  job: JobLedger,
  rows: readonly OutcomeRow[],
): Promise<ReadonlyMap<string, ActionRow>> {
  const wanted = new Set(rows.filter(({ outcome }) => outcome === 'malicious').map(({ item }) => item));
  const found = new Map<string, ActionRow>();
  if (wanted.size === 0) return found;
  const { view, index } = await actionsOf(job);
  const pages = new Set([...wanted].map((item) => parseItem(item)?.page ?? ''));
  const segments = new Set([...pages].flatMap((page) => index.segmentsOf(page)));
  // In the order of the commits, so that the last one of an item stays.
  for (const segment of [...segments].sort((a, b) => a - b)) {
    const ref = view.actions[segment];
    if (ref === undefined) continue;
    const lines = await cachedLines(job.objects, ref, 'actions');
    for (const line of lines.numbers()) {
      const row = lines.parse(line) as ActionRow;
      if (wanted.has(row.item)) found.set(row.item, row);
    }
  }
  return found;
}
