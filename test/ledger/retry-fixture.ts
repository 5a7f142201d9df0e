import { noActions } from '../../domain/action.ts';
import { type Item, pageId } from '../../domain/item.ts';
import type { FinalState } from '../../domain/job.ts';
import {
  addCounters,
  type Counters,
  countRows,
  noCounters,
  type Outcome,
  type OutcomeRow,
} from '../../domain/outcome.ts';
import { countReplaced, outcomeGaps, type RetrySelection, wholeAfter } from '../../domain/retry.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { linksOf, proveChain, readChain } from '../../ledger/retry-chain.ts';
import { SelectedItems } from '../../ledger/retry-listing.ts';
import type { Account, CommitBody, PageEntry, PageResult } from '../../ledger/types.ts';
import { AT, headerOf, rowOf, WRITER } from './fixture.ts';

export interface RetryBend {
  items?: (page: string, items: Item[]) => Item[];
  result?: (result: PageResult) => PageResult;
  account?: (account: Account) => Account;
  chain?: (chain: ReturnType<typeof linksOf>) => ReturnType<typeof linksOf>;
}

export interface RetryOptions {
  readonly job: string;
  readonly of: string;
  readonly first: string;
  readonly selection: RetrySelection;
  /** What becomes of an item; undefined: the job is cancelled before it has a row. */
  readonly outcomeOf: (item: Item, at: number) => Outcome | undefined;
  readonly standIn?: boolean;
  readonly pageItems?: number;
  /** Outcomes of items that an action listed again. */
  readonly rescans?: readonly Outcome[];
  /** Pages in one planning turn: the listing goes on from its position. */
  readonly turnPages?: number;
  readonly bend?: RetryBend;
}

/** Writes a whole retry, as its activities do. Returns its listed items of lane 0 and all its rows. */
export async function buildRetry(
  ledger: Ledger,
  options: RetryOptions,
): Promise<{ items: Item[]; rows: OutcomeRow[] }> {
  const { job: id, of, first, selection, bend = {} } = options;
  const chain = await readChain(ledger, first);
  if (chain === undefined) throw new Error('no chain');
  const links = bend.chain?.(linksOf(chain)) ?? linksOf(chain);
  const plan = { of, first, ...selection, chain: linksOf(chain) };
  const job = ledger.job(id);
  await ledger.noteRetry(first, id);
  const header = await job.writeHeader({ ...headerOf(id), kind: 'retry', retry: { ...plan, chain: links } });

  const pages: Item[][] = [];
  const pageItems = options.pageItems ?? 3;
  let place: ReturnType<SelectedItems['place']> | undefined;
  for (let done = false; !done; ) {
    const listing = new SelectedItems(plan, await proveChain(ledger, plan), place && JSON.parse(JSON.stringify(place)));
    for (let turn = 0; turn < (options.turnPages ?? 2) && !done; turn++) {
      const items: Item[] = [];
      while (items.length < pageItems && !done) {
        const found = await listing.next(0);
        if (found === undefined) done = true;
        else if (found !== 'looking') items.push(found);
      }
      if (items.length > 0) pages.push(items);
    }
    place = listing.place();
  }
  const listed = pages.flat();
  let at = 0;
  const entries: PageEntry[] = [];
  const results: PageResult[] = [];
  const all: OutcomeRow[] = [];
  const write = async (page: string, honest: Item[], outcomes: readonly (Outcome | undefined)[]): Promise<void> => {
    const items = bend.items?.(page, honest) ?? honest;
    const object = await job.writePage(page, items, WRITER);
    entries.push({ page, object, items: items.length, bytes: items.reduce((sum, item) => sum + (item.size ?? 0), 0) });
    const rows: OutcomeRow[] = [];
    for (const [ordinal, item] of items.entries()) {
      const outcome = outcomes[ordinal];
      if (outcome === undefined) continue;
      const { fault: _, ...opened } = item;
      const row = rowOf(page, ordinal, opened, outcome);
      rows.push(
        row.scanner === undefined ? row : { ...row, scanner: { ...row.scanner, standIn: options.standIn ?? false } },
      );
    }
    if (rows.length === 0) return;
    all.push(...rows);
    const segment = await job.writeSegment(page, rows, WRITER);
    const replaced = countReplaced(rows.map((row) => items[Number(row.item.split(':')[1])]));
    const partial = rows.length < items.length && { partial: true as const };
    const result = {
      page,
      listing: object,
      items: items.length,
      segment,
      counters: countRows(rows),
      replaced,
      ...partial,
    };
    results.push(bend.result?.(result) ?? result);
  };
  for (const [number, items] of pages.entries()) {
    await write(
      pageId(0, number),
      items,
      items.map((item) => options.outcomeOf(item, at++)),
    );
  }
  const listing = { format: 1, job: id, position: {}, gaps: { count: 0, samples: [] }, outside: 0 } as const;
  const indexes = [await job.writeIndex({ ...listing, lane: 0, epoch: 0, pages: [...entries], done: true }, WRITER)];
  const rescans = options.rescans ?? [];
  if (rescans.length > 0 && entries.length > 0) {
    const items = rescans.map((_, n) => ({
      location: `changed ${id} ${n}`,
      version: `w-${n}`,
      size: 7,
      rescanOf: '0-0:0',
      rescans: 1,
    }));
    const before = entries.length;
    await write(pageId(1, 0), items, rescans);
    indexes.push(
      await job.writeIndex({ ...listing, lane: 1, epoch: 0, pages: entries.slice(before), done: false }, WRITER),
    );
  }
  const counters = results.reduce<Counters>((sum, page) => addCounters(sum, page.counters), noCounters());
  const replaced = results.reduce<Counters>(
    (sum, page) => addCounters(sum, page.replaced ?? noCounters()),
    noCounters(),
  );
  const gaps = outcomeGaps(counters);
  const total = entries.reduce((sum, entry) => sum + entry.items, 0);
  const cancelled = all.length < total;
  const state: FinalState = cancelled ? 'cancelled' : gaps.length > 0 ? 'completed_with_gaps' : 'completed';
  const added = total - listed.length;
  const account: Account = {
    state,
    listed: total,
    listedBytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    listingDone: true,
    outside: 0,
    counters,
    actions: noActions(),
    gaps,
    endedAt: AT,
    whole: wholeAfter(chain.whole, { job: id, added, counters, replaced, gaps }),
  };
  const body: CommitBody = {
    format: 1,
    job: id,
    number: 1,
    previous: header.hash,
    indexes,
    pages: results,
    actions: [],
    counters,
    account: bend.account?.(account) ?? account,
  };
  await job.writeCommit(body);
  return { items: listed, rows: all };
}
