/** A page of a list: its entries, and where the next one begins while there may be more. */
export interface ListPage<Entry> {
  readonly entries: readonly Entry[];
  readonly next?: string | undefined;
}

/** Entries of as many pages as it takes to have `limit` of them. Pages may be short, or empty. */
export async function gathered<Entry>(
  limit: number,
  after: string | undefined,
  read: (query: { limit: number; after?: string }) => Promise<ListPage<Entry>>,
): Promise<{ entries: Entry[]; next?: string }> {
  const entries: Entry[] = [];
  let place = after;
  do {
    const page = await read({
      limit: Math.min(1_000, limit - entries.length),
      ...(place !== undefined && { after: place }),
    });
    entries.push(...page.entries);
    place = page.next;
  } while (place !== undefined && entries.length < limit);
  return { entries, ...(place !== undefined && { next: place }) };
}
