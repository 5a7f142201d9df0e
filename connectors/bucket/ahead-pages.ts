import { keyBehind } from './key-guess.ts';
import { compareBytes, isAscending, type KeyLister, type KeyPlace, KeyRange, type PlacedPage } from './key-range.ts';

export interface AheadOptions {
  /** Most requests at once, each of another range; 1: nothing is fetched ahead. */
  readonly ranges: number;
  /**
   * Most pages of each range that wait to be taken, and how many a range is meant to have. No less than `ranges`: the next
   * range begins when this one has its first page.
   */
  readonly pagesEach: number;
  /** So many pages are listed one after the other before the listing counts as large. */
  readonly pagesBefore: number;
}

export const AHEAD: AheadOptions = { ranges: 4, pagesEach: 4, pagesBefore: 3 };

/** So many pages taken tell how far apart keys are in the large. */
const WINDOW = 6;

/** A page that is taken. `more`: there may be another one. */
export interface AheadPage<E> extends PlacedPage<E> {
  readonly more: boolean;
}

/**
 * The pages of one listing, in the store's order, of which those to come are fetched before they are asked for: once the listing
 * proves large, several ranges of it are listed at once. A range begins at a guessed key; the range before it goes on until it
 * meets an entry of the first page found there, so that nothing is lost or doubled whatever was guessed, and whatever the
 * store's order is. Where a listing turns out not to be in byte order, it goes on as one.
 */
export class AheadPages<E> {
  readonly #lister: KeyLister<E>;
  readonly #options: AheadOptions;
  /** In order; pages are taken from the first. */
  #ranges: KeyRange<E>[];
  #taken = 0;
  /** The first keys of the last pages taken. */
  readonly #window: string[] = [];
  #large: boolean;
  #ordered = true;
  /** Guesses whose page is not there yet. */
  readonly #guesses = new Set<AbortController>();
  /** How far behind a page the next range is guessed to begin, in pages. */
  #stride: number;
  #changed = Promise.withResolvers<void>();

  /** @param large it was found to be large when it was begun, so that there is nothing to wait for */
  constructor(lister: KeyLister<E>, options: AheadOptions, place: KeyPlace, large = false) {
    this.#lister = lister;
    this.#options = options;
    this.#ranges = [new KeyRange<E>(place)];
    this.#large = large;
    this.#stride = options.pagesEach - 1;
  }

  /** So many pages came that several ranges are worth while. */
  get large(): boolean {
    return this.#large;
  }

  /** Pages that are held and not taken yet. */
  get held(): number {
    return this.#ranges.reduce((sum, { pages }) => sum + pages.length, 0);
  }

  /**
   * The next page. Where it failed, what came before has been given, and asking again tries again.
   * @throws ConnectorError, the signal's reason: then nothing is under way any more
   */
  async next(signal: AbortSignal): Promise<AheadPage<E>> {
    if (signal.aborted) this.stop();
    signal.throwIfAborted();
    for (;;) {
      const head = this.#ranges[0] as KeyRange<E>;
      const page = head.pages.shift();
      if (page !== undefined) return this.#given(head, page);
      if (head.done && this.#ranges.length > 1) this.#ranges.shift();
      else if (head.done) return { entries: [], place: head.place, more: false };
      else if (head.failure !== undefined) this.#raise(head);
      else if (this.#isAhead()) await this.#changeOf(signal);
      else this.#take(head, await this.#lister.page(head.place, signal));
    }
  }

  /** Goes on at this key, which lies behind all that was taken: what lies before it is left out. In byte order only. */
  skipTo(key: string): void {
    const behind = this.#ranges.findIndex((_, i) => compareBytes(this.#firstKey(i + 1) ?? key, key) > 0);
    const kept = behind === -1 ? [] : this.#ranges.slice(behind + 1);
    for (const range of this.#ranges) if (!kept.includes(range)) range.drop();
    this.#ranges = [new KeyRange<E>({ from: key }), ...kept];
  }

  /** Ends what is under way. The listing may go on afterwards, from the page after the last one taken. */
  stop(): void {
    for (const range of this.#ranges) range.drop();
    for (const guess of this.#guesses) guess.abort();
    this.#guesses.clear();
    const left = this.#ranges.find(({ done, pages }) => !done || pages.length > 0);
    const rest = new KeyRange<E>(left?.pages[0]?.place ?? left?.place ?? {});
    rest.done = left === undefined;
    this.#ranges = [rest];
  }

  #given(head: KeyRange<E>, page: PlacedPage<E>): AheadPage<E> {
    this.#taken += 1;
    const [first] = page.entries;
    if (first !== undefined && this.#window.push(this.#lister.keyOf(first)) > WINDOW) this.#window.shift();
    if (this.#taken >= this.#options.pagesBefore) this.#large = true;
    const more = !head.done || head.pages.length > 0 || this.#ranges.length > 1;
    if (this.#isAhead()) this.#work();
    return { ...page, more };
  }

  #raise(head: KeyRange<E>): never {
    const error = head.failure?.error;
    head.failure = undefined;
    throw error;
  }

  #isAhead(): boolean {
    return this.#large && this.#options.ranges > 1;
  }

  async #changeOf(signal: AbortSignal): Promise<void> {
    const { promise } = this.#changed;
    this.#work();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await Promise.race([promise, aborted]);
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Sets to work what may: the ranges with room first, in order, then guesses at others. */
  #work(): void {
    for (const [i, range] of this.#ranges.entries()) {
      if (this.#under >= this.#options.ranges) return;
      const idle = !range.done && !range.busy && range.failure === undefined;
      const awaited = i === 0 && range.pages.length === 0;
      const room = this.#hasRoom() && range.pages.length < this.#options.pagesEach;
      if (idle && (awaited || room)) void this.#fetch(range);
    }
    for (const [i, range] of this.#ranges.entries()) {
      if (this.#under >= this.#options.ranges || !this.#ordered || !this.#hasRoom()) return;
      const open = !range.done && !range.whole && !range.guessing;
      const key = !open ? undefined : this.#keyWithin(range, this.#firstKey(i + 1));
      if (key === undefined) continue;
      void this.#guess(range, key);
    }
  }

  /** Requests under way. */
  get #under(): number {
    return this.#guesses.size + this.#ranges.filter(({ busy }) => busy).length;
  }

  /** Whether one more page may be held, and one kept free for the first range. */
  #hasRoom(): boolean {
    const { ranges, pagesEach } = this.#options;
    return this.held + this.#under + 1 < ranges * pagesEach;
  }

  /**
   * A key within this range, behind what it has. How far apart keys are is told by its last page, and by all pages taken lately, which
   * see the gaps between folders: the last range may go far, another one is divided only where both find it long.
   */
  #keyWithin(range: KeyRange<E>, next: string | undefined): string | undefined {
    const last = range.recent.at(-1);
    if (last === undefined) return undefined;
    const near = keyBehind(last, { keys: range.recent, pages: 1 }, this.#stride);
    const far = keyBehind(last, { keys: this.#window, pages: this.#window.length - 1 }, this.#stride) ?? near;
    if (near === undefined || far === undefined) return near ?? far;
    const [nearer, farther] = compareBytes(near, far) < 0 ? [near, far] : [far, near];
    if (next === undefined) return farther;
    return compareBytes(farther, next) < 0 ? nearer : undefined;
  }

  async #fetch(range: KeyRange<E>): Promise<void> {
    range.busy = true;
    try {
      const page = await this.#lister.page(range.place, range.signal);
      if (!range.signal.aborted) this.#take(range, page);
    } catch (error) {
      range.failure = { error };
    }
    range.busy = false;
    this.#tell(range.signal.aborted);
  }

  /** Looks for a range that begins within this one. That there is none, or that it can't be asked for now, harms nothing. */
  async #guess(range: KeyRange<E>, from: string): Promise<void> {
    const guess = new AbortController();
    range.guessing = true;
    this.#guesses.add(guess);
    const signal = AbortSignal.any([guess.signal, range.signal]);
    const page = await this.#lister.page({ from }, signal).catch(() => undefined);
    this.#guesses.delete(guess);
    range.guessing = false;
    if (page !== undefined && !signal.aborted) {
      range.whole = !this.#begin(range, from, page);
      // Behind the end: the listing is shorter, or its keys lie closer, than it seems.
      const { pagesEach } = this.#options;
      const farthest = pagesEach - 1;
      this.#stride =
        page.entries.length === 0 ? Math.max(0.25, this.#stride / 2) : Math.min(farthest, this.#stride * 2);
    }
    this.#tell(guess.signal.aborted);
  }

  /** A new range behind this one, if its first page lies behind all that this one has, and before the next one. */
  #begin(range: KeyRange<E>, from: string, page: { entries: readonly E[]; cursor?: string }): boolean {
    const at = this.#ranges.indexOf(range);
    const keys = page.entries.map((entry) => this.#lister.keyOf(entry));
    const [first] = keys;
    const [last, next] = [range.recent.at(-1), this.#firstKey(at + 1)];
    if (at === -1 || range.done || !this.#ordered || first === undefined || last === undefined) return false;
    if (!isAscending(keys) || compareBytes(first, last) <= 0) return false;
    if (next !== undefined && compareBytes(first, next) >= 0) return false;
    const begun = new KeyRange<E>({ from });
    this.#ranges.splice(at + 1, 0, begun);
    this.#take(begun, page);
    if (begun.pages.length > 0) return true;
    this.#ranges.splice(this.#ranges.indexOf(begun), 1);
    return false;
  }

  #take(range: KeyRange<E>, page: { entries: readonly E[]; cursor?: string }): void {
    const { place } = range;
    const keys = page.entries.map((entry) => this.#lister.keyOf(entry));
    const at = this.#ranges.indexOf(range);
    const met = this.#meeting(keys, this.#ranges[at + 1]);
    const mine = met === -1 ? keys : keys.slice(0, met);
    if (!isAscending([...range.recent.slice(-1), ...mine])) this.#ordered = false;
    if (mine.length > 0) range.recent = mine;
    range.whole = false;
    if (met !== -1) {
      if (met > 0) range.pages.push({ entries: page.entries.slice(0, met), place });
      range.done = true;
    } else {
      range.pages.push({ ...page, place });
      range.done = page.cursor === undefined;
      if (page.cursor !== undefined) range.place = { ...place, cursor: page.cursor };
    }
    // Nothing follows the end; and without an order nobody knows what lies where.
    if ((range.done && met === -1) || !this.#ordered) this.#dropBehind(at);
  }

  /** Where these keys meet the first page of a range; what that page has before is gone by now. */
  #meeting(keys: readonly string[], range: KeyRange<E> | undefined): number {
    const page = range?.pages[0];
    if (range === undefined || page === undefined) return -1;
    const places = new Map(page.entries.map((entry, i) => [this.#lister.keyOf(entry), i]));
    const met = keys.findIndex((key) => places.has(key));
    const gone = places.get(keys[met] ?? '') ?? 0;
    if (met !== -1 && gone > 0) range.pages[0] = { ...page, entries: page.entries.slice(gone) };
    return met;
  }

  #dropBehind(at: number): void {
    for (const range of this.#ranges.splice(at + 1)) range.drop();
  }

  /** The key that a range other than the first begins with. */
  #firstKey(at: number): string | undefined {
    const entry = this.#ranges[at]?.pages[0]?.entries[0];
    return entry === undefined ? undefined : this.#lister.keyOf(entry);
  }

  #tell(stopped: boolean): void {
    if (!stopped) this.#work();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
