import type { ActionRow } from '../../domain/action.ts';
import type { Item } from '../../domain/item.ts';
import { addCounters, countRows, noCounters, type OutcomeRow } from '../../domain/outcome.ts';
import { type Ledger, openLedger } from '../../ledger/ledger.ts';
import type { ObjectRef } from '../../ledger/types.ts';

const WRITER = { run: 'forger', activity: 'forge', attempt: 1 };

/** What a forger changes: the lines of each page. */
export interface Bend {
  readonly items?: (page: string, items: readonly Item[]) => readonly Item[];
  readonly rows?: (page: string, rows: readonly OutcomeRow[]) => readonly OutcomeRow[];
  readonly actions?: (rows: readonly ActionRow[]) => readonly ActionRow[];
}

/**
 * What somebody can do who may write the whole ledger: copies a job with some of its lines changed, and every object, sum, hash and
 * commit made anew. Rows are written as they come, sorted or not. Returns the forged ledger and its root.
 */
export async function forge(
  from: Ledger,
  job: string,
  folder: string,
  bend: Bend,
): Promise<{ ledger: Ledger; root: string }> {
  const ledger = await openLedger(folder);
  const source = from.job(job);
  const to = ledger.job(job);
  const header = await source.header();
  if (header === undefined) throw new Error(`no job ${job}`);
  let previous = (await to.writeHeader(header)).hash;
  const listings = new Map<string, { object: ObjectRef; items: number }>();
  const intents = new Map<string, ObjectRef>();
  let counters = noCounters();
  let listed = 0;
  let listedBytes = 0;
  for await (const { body } of source.commits()) {
    const indexes: ObjectRef[] = [];
    for (const ref of body.indexes) {
      const index = await source.readIndex(ref);
      const pages = [];
      for (const entry of index.pages) {
        const before = await source.readPage(entry.object);
        const items = bend.items?.(entry.page, before) ?? before;
        const bytes = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
        const object = await to.writePage(entry.page, items, WRITER);
        listings.set(entry.page, { object, items: items.length });
        listed += items.length;
        listedBytes += bytes;
        pages.push({ page: entry.page, object, items: items.length, bytes });
      }
      indexes.push(await to.writeIndex({ ...index, pages }, WRITER));
    }
    const pages = [];
    for (const page of body.pages) {
      const before = await source.readSegment(page.segment);
      const rows = bend.rows?.(page.page, before) ?? before;
      const name = `segments/${page.page}.forged.ndjson.zst`;
      const segment = await to.objects.putLines(name, { format: 1, job, page: page.page }, rows);
      const listing = listings.get(page.page);
      if (listing === undefined) throw new Error(`page ${page.page} was not listed before its result`);
      counters = addCounters(counters, countRows(rows));
      pages.push({ ...page, listing: listing.object, items: listing.items, segment, counters: countRows(rows) });
    }
    const actions = [];
    for (const action of body.actions) {
      const before = await source.readActions(action.segment);
      const rows = bend.actions?.(before) ?? before;
      const segment = await to.writeActions('0', rows, WRITER);
      const ordered = action.intents;
      if (ordered !== undefined && !intents.has(ordered.name)) {
        intents.set(ordered.name, await to.writeIntents('0', await source.readIntents(ordered), WRITER));
      }
      const named = ordered === undefined ? undefined : intents.get(ordered.name);
      const counts = { ...action.counts, done: rows.filter((row) => row.state === 'done').length };
      actions.push({ segment, counts, ...(named !== undefined && { intents: named }) });
    }
    const account = body.account && { ...body.account, listed, listedBytes, counters };
    const made = { ...body, previous, indexes, pages, actions, counters, ...(account !== undefined && { account }) };
    previous = (await to.writeCommit(made)).hash;
  }
  return { ledger, root: previous };
}
