import { addCounters, countRows, noCounters } from '../../domain/outcome.ts';
import { type JobLedger, openLedger } from '../../ledger/ledger.ts';
import type { ObjectRef } from '../../ledger/types.ts';

const WRITER = { run: 'forger', activity: 'forge', attempt: 1 };

/**
 * What somebody can do who may write the whole ledger: copies a job without the last item of its first page, with every
 * page, row, sum, hash and commit made anew. Returns the new root.
 */
export async function forgeWithoutOneRow(ledger: string, job: string, forged: string): Promise<string> {
  const from = (await openLedger(ledger, { create: false })).job(job);
  const to = (await openLedger(forged)).job(job);
  const header = await from.header();
  if (header === undefined) throw new Error(`no job ${job}`);
  let previous = (await to.writeHeader(header)).hash;
  let victim: { readonly page: string; readonly bytes: number } | undefined;
  const listings = new Map<string, { readonly object: ObjectRef; readonly items: number }>();
  let counters = noCounters();
  for await (const { body } of from.commits()) {
    const indexes: ObjectRef[] = [];
    for (const ref of body.indexes) {
      const index = await from.readIndex(ref);
      const pages = [];
      for (const entry of index.pages) {
        const items = await from.readPage(entry.object);
        if (victim === undefined) {
          const removed = items.pop();
          victim = { page: entry.page, bytes: removed?.size ?? 0 };
        }
        const object = await to.writePage(entry.page, items, WRITER);
        const bytes = entry.bytes - (victim.page === entry.page ? victim.bytes : 0);
        listings.set(entry.page, { object, items: items.length });
        pages.push({ ...entry, object, items: items.length, bytes });
      }
      indexes.push(await to.writeIndex({ ...index, pages }, WRITER));
    }
    const pages = [];
    for (const page of body.pages) {
      const rows = await from.readSegment(page.segment);
      if (page.page === victim?.page) rows.pop();
      const segment = await to.writeSegment(page.page, rows, WRITER);
      const listing = listings.get(page.page);
      if (listing === undefined) throw new Error(`page ${page.page} was not listed before its result`);
      counters = addCounters(counters, countRows(rows));
      pages.push({ ...page, listing: listing.object, items: listing.items, segment, counters: countRows(rows) });
    }
    const account = body.account && {
      ...body.account,
      listed: body.account.listed - 1,
      listedBytes: body.account.listedBytes - (victim?.bytes ?? 0),
      counters,
    };
    const made = { ...body, previous, indexes, pages, counters, ...(account !== undefined && { account }) };
    previous = (await to.writeCommit(made)).hash;
  }
  await copyNothingElse(from);
  return previous;
}

/** Actions would have to be forged too. */
async function copyNothingElse(from: JobLedger): Promise<void> {
  for await (const { name } of from.objects.list('actions')) throw new Error(`the job has actions: ${name}`);
}
