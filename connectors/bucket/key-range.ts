import { ConnectorError } from '../errors.ts';

/** Where a page begins. */
export interface KeyPlace {
  /** At this key or behind it; the key itself may be left out. Absent: at the beginning. */
  readonly from?: string;
  /** What the page before gave to go on, from the same `from`. */
  readonly cursor?: string;
}

/** One answer of a store: entries in its own order. */
export interface KeyPage<E> {
  readonly entries: readonly E[];
  /** Absent at the end of the listing. */
  readonly cursor?: string;
}

/** Lists the keys of one prefix of one bucket, a request a page. */
export interface KeyLister<E> {
  /** @throws ConnectorError, the signal's reason */
  page(place: KeyPlace, signal: AbortSignal): Promise<KeyPage<E>>;
  keyOf(entry: E): string;
}

/** A page, and the place that it was asked for at. */
export interface PlacedPage<E> extends KeyPage<E> {
  readonly place: KeyPlace;
}

/** A stretch of keys that is listed by itself, from its place on, until it meets the stretch behind it. */
export class KeyRange<E> {
  /** Where the next page is to be asked for. */
  place: KeyPlace;
  /** Pages that nobody has taken yet. */
  readonly pages: PlacedPage<E>[] = [];
  /** Keys of the last page with any, for a guess at what follows. */
  recent: readonly string[] = [];
  /** All is fetched. */
  done = false;
  /** A page is being fetched. */
  busy = false;
  /** A range that begins within this one is being looked for. */
  guessing = false;
  /** None was found: the next page may tell more. */
  whole = false;
  /** Why the last page did not come. */
  failure: { readonly error: unknown } | undefined;
  readonly #stop = new AbortController();

  constructor(place: KeyPlace) {
    this.place = place;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  drop(): void {
    this.#stop.abort();
  }
}

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function isAscending(keys: readonly string[]): boolean {
  return keys.every((key, i) => i === 0 || compareBytes(keys[i - 1] as string, key) < 0);
}

/**
 * The page, if it leads on from where it was asked for.
 * @param what the place that is listed, for a person
 * @throws ConnectorError `storage_error`: a listing that stands still would never end
 */
export function movedOn<E>(
  page: KeyPage<E>,
  { from, cursor }: Partial<Record<keyof KeyPlace, string | undefined>>,
  what: string,
) {
  if (page.cursor === undefined || (page.cursor !== cursor && page.cursor !== from)) return page;
  const message = `the listing of ${what} does not move on: the page behind a page is the same one`;
  throw new ConnectorError('storage_error', message);
}
