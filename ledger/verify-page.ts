import type { Item } from '../domain/item.ts';
import { type Counters, countRows, noCounters, type OutcomeRow } from '../domain/outcome.ts';
import type { JobLedger } from './job-ledger.ts';
import { parseItem } from './names.ts';
import type { Lines } from './ndjson.ts';
import { type KnownPage, sameCounters } from './verify-listing.ts';
import type { Problems } from './verify-report.ts';
import { isFields, itemFaults, quoted, rowFaults } from './verify-row.ts';

/** What a page holds, as far as it could be read. */
export interface CheckedPage {
  readonly items: number;
  readonly rows: number;
  readonly counters: Counters;
  /** Rows with a well-formed id and outcome, by ordinal. */
  readonly byOrdinal: ReadonlyMap<number, OutcomeRow>;
}

/**
 * Opens a page and its segment and lays them side by side, line by line. Both are let go of afterwards.
 * @param sizes items of every page of the job, by page id
 */
export async function checkPageRows(
  job: JobLedger,
  known: KnownPage,
  sizes: ReadonlyMap<string, number>,
  problems: Problems,
): Promise<CheckedPage> {
  const items = await checkItems(job, known, sizes, problems);
  const empty = { items: items?.length ?? 0, rows: 0, counters: noCounters(), byOrdinal: new Map() };
  const { entry, result, commit } = known;
  if (result === undefined || commit === undefined) return empty;
  const { page } = entry;
  if (result.listing.name !== entry.object.name || result.listing.hash !== entry.object.hash) {
    problems.add(
      'page',
      commit,
      `Page ${page} was closed for the listing ${result.listing.name}, not for ${entry.object.name}.`,
    );
  }
  if (result.items !== entry.items) {
    problems.add('page', commit, `Page ${page} was closed with ${result.items} items; its listing has ${entry.items}.`);
  }
  const name = result.segment.name;
  const segment = await problems.reading(name, () => job.objects.lines(result.segment, 'segments', page));
  if (segment === undefined) return empty;
  const checked = checkRows(segment.lines, page, items, problems);
  if (!sameCounters(checked.counters, result.counters)) {
    problems.add('sum', commit, `The counters of page ${page} are not the sums of its rows in ${name}.`);
  }
  if (items !== undefined) checkCoverage(known, items, checked, problems);
  return checked;
}

async function checkItems(
  job: JobLedger,
  known: KnownPage,
  sizes: ReadonlyMap<string, number>,
  problems: Problems,
): Promise<Item[] | undefined> {
  const { entry } = known;
  const { name } = entry.object;
  const found = await problems.reading(name, async () => {
    const { lines } = await job.objects.lines(entry.object, 'pages', entry.page);
    return lines.values<Item>();
  });
  if (found === undefined) return undefined;
  let bytes = 0;
  for (const [ordinal, item] of found.entries()) {
    const faults = itemFaults(item);
    for (const fault of faults) problems.add('page', name, `Item ${entry.page}:${ordinal}: ${fault}.`, ordinal + 2);
    if (faults.length > 0) return undefined;
    bytes += item.size ?? 0;
    if (item.rescanOf === undefined) continue;
    const again = parseItem(item.rescanOf);
    if (again === undefined || again.ordinal >= (sizes.get(again.page) ?? 0)) {
      const message = `Item ${entry.page}:${ordinal} is listed again for ${quoted(item.rescanOf)}, which is no item.`;
      problems.add('page', name, message, ordinal + 2);
    }
  }
  if (found.length !== entry.items)
    problems.add('sum', name, `It lists ${found.length} items; its index says ${entry.items}.`);
  if (bytes !== entry.bytes) problems.add('sum', name, `Its items have ${bytes} bytes; its index says ${entry.bytes}.`);
  return found;
}

function checkRows(lines: Lines, page: string, items: readonly Item[] | undefined, problems: Problems): CheckedPage {
  const byOrdinal = new Map<number, OutcomeRow>();
  const counted: OutcomeRow[] = [];
  let last = -1;
  for (const line of lines.numbers()) {
    const wrong = (message: string): void => problems.add('row', lines.name, message, line + 1);
    let row: unknown;
    try {
      row = lines.parse(line);
    } catch {
      wrong('This line is no JSON.');
      continue;
    }
    const at = isFields(row) && typeof row.item === 'string' ? parseItem(row.item) : undefined;
    if (!isFields(row) || at === undefined || at.page !== page) {
      wrong(`This row does not belong to page ${page}.`);
      continue;
    }
    const { ordinal } = at;
    if (byOrdinal.has(ordinal)) wrong(`The item ${page}:${ordinal} has a second row.`);
    else if (ordinal < last) wrong(`The row of ${page}:${ordinal} comes after that of ${page}:${last}.`);
    last = Math.max(last, ordinal);
    const item = items?.[ordinal];
    if (items !== undefined && item === undefined) wrong(`There is no item ${page}:${ordinal} in the listing.`);
    const faults = item === undefined ? [] : rowFaults(row, item);
    for (const fault of faults) wrong(`The row of ${page}:${ordinal}: ${fault}.`);
    if (!countable(row)) {
      if (item === undefined) wrong(`The row of ${page}:${ordinal} has no known outcome: ${quoted(row.outcome)}.`);
      continue;
    }
    counted.push(row);
    if (!byOrdinal.has(ordinal)) byOrdinal.set(ordinal, row);
  }
  return { items: items?.length ?? 0, rows: lines.count, counters: countRows(counted), byOrdinal };
}

/** Well enough formed to be counted; what else is wrong has been said. */
function countable(row: unknown): row is OutcomeRow {
  if (!isFields(row) || typeof row.outcome !== 'string' || !Object.hasOwn(noCounters().outcomes, row.outcome))
    return false;
  return row.judged === undefined || (isFields(row.judged) && typeof row.judged.size === 'number');
}

function checkCoverage(known: KnownPage, items: readonly Item[], checked: CheckedPage, problems: Problems): void {
  const { result, entry } = known;
  if (result === undefined) return;
  const missing: number[] = [];
  for (let ordinal = 0; ordinal < items.length; ordinal++) if (!checked.byOrdinal.has(ordinal)) missing.push(ordinal);
  if (result.partial === true) {
    if (missing.length === 0)
      problems.add('page', known.commit ?? '', `Page ${entry.page} is said to be partial, and is whole.`);
    return;
  }
  for (const ordinal of missing) {
    problems.add('row', result.segment.name, `The item ${entry.page}:${ordinal} has no row.`);
  }
}
