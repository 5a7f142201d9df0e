import { createHash } from 'node:crypto';
import { pageId } from '../../../domain/item.ts';
import { type Counters, noOutcomes } from '../../../domain/outcome.ts';
import { type Folder, uniqueName } from '../../../ledger/names.ts';
import type { ObjectRef, Writer } from '../../../ledger/types.ts';

const ITEM_BYTES = 65_536;
/** One page in so many has findings, failures; so many of each. */
const MALICIOUS = { every: 20, at: 3, items: 30 };
const FAILED = { every: 100, at: 50, items: 5 };

/** Pages of a listing that is not there: only how many items each has. */
export class SimulatedStorage {
  readonly items: number;
  readonly #pageItems: number;
  /** Items listed before the end of each index. */
  readonly #reached = new Map<string, number>();
  readonly #pages = new Map<string, number>();

  /** @param pageItems items of the largest page */
  constructor(items: number, pageItems: number) {
    this.items = items;
    this.#pageItems = pageItems;
  }

  /** Lists so many pages behind an index, growing as planning lets them grow. */
  list(after: ObjectRef | undefined, firstPage: number, pages: number, pageItems: number, writer: Writer) {
    const from = after === undefined ? 0 : this.#reachedAt(after);
    let reached = from;
    let size = Math.min(pageItems, this.#pageItems);
    let written = 0;
    while (written < pages && reached < this.items) {
      const items = Math.min(size, this.items - reached);
      this.#pages.set(pageId(0, firstPage + written), items);
      reached += items;
      written += 1;
      size = Math.min(size * 2, this.#pageItems);
    }
    const index = reference('indexes', '0-0', writer);
    this.#reached.set(index.name, reached);
    const items = reached - from;
    return { index, pages: written, items, bytes: items * ITEM_BYTES, pageItems: size, done: reached >= this.items };
  }

  #reachedAt(index: ObjectRef): number {
    const reached = this.#reached.get(index.name);
    if (reached === undefined) throw new Error(`no index ${index.name} was written`);
    return reached;
  }

  /** One item is listed once more, as a page of its own. */
  listAgain(page: string, writer: Writer) {
    this.#pages.set(page, 1);
    return { index: reference('indexes', '1-0', writer), items: 1, bytes: ITEM_BYTES };
  }

  itemsOf(page: string): number {
    const items = this.#pages.get(page);
    if (items === undefined) throw new Error(`no page ${page} was listed`);
    return items;
  }

  /** What a scan of the page comes to: a pure function of its number. */
  countersOf(page: string): Counters {
    const items = this.itemsOf(page);
    const [lane, number] = page.split('-').map(Number) as [number, number];
    const listed = lane === 0;
    const malicious = listed && number % MALICIOUS.every === MALICIOUS.at ? Math.min(MALICIOUS.items, items) : 0;
    const failed = listed && number % FAILED.every === FAILED.at ? Math.min(FAILED.items, items) : 0;
    const outcomes = { ...noOutcomes(), malicious, failed, clean: items - malicious - failed };
    return { outcomes, bytes: (items - failed) * ITEM_BYTES, standIn: items - failed };
  }
}

/** A reference as the ledger's own are: as long, and unlike every other. */
export function reference(folder: Folder, what: string, writer: Writer): ObjectRef {
  const name = uniqueName(folder, what, writer);
  return { name, hash: createHash('sha256').update(name).digest('hex') };
}
