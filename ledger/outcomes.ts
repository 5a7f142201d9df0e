import { OUTCOMES, type Outcome, type OutcomeRow, rowsOf } from '../domain/outcome.ts';
import { checkLimit, decodeCursor, encodeCursor } from './cursor.ts';
import { LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { type ClosedPage, viewOf } from './job-view.ts';
import { cachedLines } from './lines-cache.ts';
import { parseItem } from './names.ts';
import { corrupt, type Lines } from './ndjson.ts';

export const MAX_ROWS = 1_000;
/** Segments that one call reads at most; then it answers with what it has, and `next`. About a second of work. */
const MAX_SEGMENTS = 32;
/** Behind the last row of any page. */
const PAGE_END = 999_999_999;

export interface OutcomeQuery {
  readonly outcome?: Outcome;
  /** Locations that begin so. */
  readonly prefix?: string;
  /** The reason, rule or class, exactly. */
  readonly reason?: string;
  /** Rows, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface OutcomeRows {
  readonly rows: readonly OutcomeRow[];
  /** Present while there may be more, even when `rows` is short or empty: a call reads a bounded number of segments. */
  readonly next?: string;
}

/**
 * Outcome rows of the closed pages, in the order of the items (lane, page, ordinal). Of a running job a page that closes behind the
 * reader's place is not shown to him any more; once the job has ended, every row is met exactly once.
 * @throws LedgerError `invalid` (the query), `corrupt`, `not_found`, `not_readable`, `unavailable`
 */
export async function pageOutcomes(job: JobLedger, query: OutcomeQuery): Promise<OutcomeRows> {
  checkLimit(query.limit, MAX_ROWS);
  if (query.outcome !== undefined && !OUTCOMES.includes(query.outcome)) {
    const known = OUTCOMES.join(', ');
    throw new LedgerError(
      'invalid',
      'outcome',
      `There is no outcome ${JSON.stringify(query.outcome)}; there are ${known}.`,
    );
  }
  const [lane = 0, number = 0, ordinal] =
    query.after === undefined ? [] : decodeCursor('outcomes', job.id, 3, query.after);
  const view = await viewOf(job);
  const rows: OutcomeRow[] = [];
  let last: { page: ClosedPage; ordinal: number } | undefined;
  let read = 0;
  const cursor = (page: ClosedPage, at: number): string =>
    encodeCursor('outcomes', job.id, [page.lane, page.number, at]);

  for (const page of view.closed.slice(firstFrom(view.closed, lane, number))) {
    if (!mayHold(page, query)) continue;
    if (read === MAX_SEGMENTS && last !== undefined) return { rows, next: cursor(last.page, last.ordinal) };
    const lines = await cachedLines(job.objects, page.segment, 'segments', page.page);
    read += 1;
    const resume = ordinal !== undefined && page.lane === lane && page.number === number;
    for (const line of matches(lines, resume ? firstBehind(lines, ordinal) : 1, query)) {
      const row = lines.parse(line) as OutcomeRow;
      if (!fits(row, query)) continue;
      if (rows.length === query.limit && last !== undefined) return { rows, next: cursor(last.page, last.ordinal) };
      rows.push(row);
      last = { page, ordinal: ordinalOf(lines, row) };
    }
    if (rows.length < query.limit) last = { page, ordinal: PAGE_END };
  }
  return { rows };
}

function mayHold(page: ClosedPage, query: OutcomeQuery): boolean {
  if (query.outcome !== undefined) return page.counters.outcomes[query.outcome] > 0;
  return rowsOf(page.counters) > 0;
}

function fits(row: OutcomeRow, query: OutcomeQuery): boolean {
  if (query.outcome !== undefined && row.outcome !== query.outcome) return false;
  if (query.reason !== undefined && row.reason !== query.reason) return false;
  return query.prefix === undefined || row.location.startsWith(query.prefix);
}

/** The lines that can fit, found by their text before anything is parsed. */
function matches(lines: Lines, from: number, query: OutcomeQuery): Iterable<number> {
  if (query.outcome !== undefined) return lines.containing(`"outcome":${JSON.stringify(query.outcome)}`, from);
  if (query.reason !== undefined) return lines.containing(`"reason":${JSON.stringify(query.reason)}`, from);
  return lines.numbers(from);
}

function ordinalOf(lines: Lines, row: OutcomeRow): number {
  const at = parseItem(row.item);
  if (at === undefined) throw corrupt(lines.name, `it holds a row for ${JSON.stringify(row.item)}`);
  return at.ordinal;
}

/** Index of the first page at or behind a place. */
function firstFrom(pages: readonly ClosedPage[], lane: number, number: number): number {
  return lowerBound(pages.length, (at) => {
    const page = pages[at] as ClosedPage;
    return page.lane > lane || (page.lane === lane && page.number >= number);
  });
}

/** The first line whose ordinal is greater. Partial pages leave ordinals out, so it is searched for. */
function firstBehind(lines: Lines, ordinal: number): number {
  return 1 + lowerBound(lines.count, (at) => ordinalOf(lines, lines.parse(at + 1) as OutcomeRow) > ordinal);
}

function lowerBound(length: number, reached: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
