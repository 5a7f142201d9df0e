import type { Item } from '../../domain/item.ts';
import { addCounters, type Counters, countRows, noCounters, type OutcomeRow } from '../../domain/outcome.ts';
import type { Checkpoint } from '../types.ts';
import { Bitmap } from './bitmap.ts';

/** At the third death of a worker that an item alone explains, the item is `failed` (`crashed`). */
export const MAX_DEATHS = 3;
/** So many ordinals in hand fit into a checkpoint; more runners than that are never started. */
export const MAX_HANDS = 64;

/**
 * The bookkeeping of one page in one dispatch: which ordinals are left, in hand, done, and safely written down. No I/O.
 *
 * A row counts for the checkpoint only once the part that holds it is written: `unsaved` rows are lost with the process,
 * and their items are scanned again. Items that were in hand when a worker died are suspects: they run alone, before all
 * others, so that a second death points at one of them. Since an item may kill its worker before any beat tells of it, the
 * dispatch after a death is `cautious`: an item begins only after a checkpoint that names it was sent (`announce`).
 */
export class PageRun {
  readonly page: string;
  readonly items: readonly Item[];
  readonly #saved: Bitmap;
  readonly #hands = new Set<number>();
  readonly #deaths = new Map<number, number>();
  readonly #suspects: number[] = [];
  readonly #returned: number[] = [];
  readonly #announced: number[] = [];
  /** Set after a death: items begin only once they are announced. */
  readonly cautious: boolean;
  #crowded = false;
  #unsaved: { ordinal: number; row: OutcomeRow }[] = [];
  /** Rows made in this dispatch, by ordinal; rows of earlier dispatches lie in their parts. */
  readonly #rows = new Map<number, OutcomeRow>();
  #savedCounters: Counters;
  #part: string | undefined;
  #parts: number;
  #next = 0;
  #left: number;

  /** @param died whether the checkpoint was left by a process that died, rather than handed back */
  constructor(page: string, items: readonly Item[], checkpoint: Checkpoint | undefined, died: boolean) {
    this.page = page;
    this.items = items;
    this.cautious = died;
    this.#saved = new Bitmap(items.length, checkpoint?.done);
    this.#savedCounters = checkpoint?.counters ?? noCounters();
    this.#part = checkpoint?.part;
    this.#parts = checkpoint?.parts ?? 0;
    this.#left = 0;
    for (let o = 0; o < items.length; o++) if (!this.#saved.has(o)) this.#left += 1;
    for (const [ordinal, deaths] of Object.entries(checkpoint?.deaths ?? {})) this.#deaths.set(Number(ordinal), deaths);
    if (checkpoint !== undefined && died) this.#suspect(checkpoint.hands, checkpoint.crowded === true);
  }

  #suspect(hands: readonly number[], crowded: boolean): void {
    const begun = hands.filter((ordinal) => !this.#saved.has(ordinal));
    const alone = begun.length === 1 && !crowded ? begun[0] : undefined;
    for (const ordinal of begun) {
      const before = this.#deaths.get(ordinal) ?? 0;
      this.#deaths.set(ordinal, ordinal === alone ? before + 1 : before);
      this.#suspects.push(ordinal);
    }
  }

  /** True while a suspect is left: then one item runs at a time. */
  get careful(): boolean {
    return this.#suspects.length > 0;
  }

  /** True when every item has its row. */
  get complete(): boolean {
    return this.#left === 0;
  }

  get inHand(): number {
    return this.#hands.size;
  }

  /** The next ordinal to work on, or undefined when none is left to begin. */
  take(): number | undefined {
    const ordinal =
      this.#suspects.shift() ?? (this.cautious ? this.#announced.shift() : (this.#returned.pop() ?? this.#fresh()));
    if (ordinal !== undefined) this.#hands.add(ordinal);
    return ordinal;
  }

  /** Something is left that may not be taken before it is announced. */
  get mustAnnounce(): boolean {
    if (!this.cautious || this.#suspects.length + this.#announced.length > 0) return false;
    if (this.#returned.length > 0) return true;
    const next = this.#fresh();
    if (next !== undefined) this.#returned.push(next);
    return next !== undefined;
  }

  /** Names what may be taken next. Send a checkpoint before taking it. */
  announce(): void {
    while (this.#hands.size + this.#announced.length < MAX_HANDS) {
      const ordinal = this.#returned.pop() ?? this.#fresh();
      if (ordinal === undefined) return;
      this.#announced.push(ordinal);
    }
  }

  /** Whether items of other pages are in hand beside a suspect. */
  crowd(crowded: boolean): void {
    this.#crowded = crowded;
  }

  #fresh(): number | undefined {
    while (this.#next < this.items.length) {
      const ordinal = this.#next++;
      if (!this.#saved.has(ordinal) && !this.#rows.has(ordinal) && !this.#hands.has(ordinal)) return ordinal;
    }
    return undefined;
  }

  /** Deaths that the item alone explains. */
  deathsOf(ordinal: number): number {
    return this.#deaths.get(ordinal) ?? 0;
  }

  /** Records the row of an item in hand. */
  put(ordinal: number, row: OutcomeRow): void {
    this.#hands.delete(ordinal);
    this.#deaths.delete(ordinal);
    this.#rows.set(ordinal, row);
    this.#unsaved.push({ ordinal, row });
    this.#left -= 1;
  }

  /** Gives an item in hand back: it stays to be done. */
  giveBack(ordinal: number): void {
    this.#hands.delete(ordinal);
    if (this.#deaths.has(ordinal)) this.#suspects.unshift(ordinal);
    else this.#returned.push(ordinal);
  }

  /** Takes the rows that no part holds yet. Follow with `saved` or `unsaveable`. */
  takeUnsaved(): readonly { ordinal: number; row: OutcomeRow }[] {
    const rows = this.#unsaved;
    this.#unsaved = [];
    return rows;
  }

  /** The rows taken are in the part of this name. */
  saved(rows: readonly { ordinal: number; row: OutcomeRow }[], part: string): void {
    for (const { ordinal } of rows) this.#saved.add(ordinal);
    this.#savedCounters = addCounters(this.#savedCounters, countRows(rows.map((r) => r.row)));
    this.#part = part;
    this.#parts += 1;
  }

  /** The rows taken could not be written. */
  unsaveable(rows: readonly { ordinal: number; row: OutcomeRow }[]): void {
    this.#unsaved = [...rows, ...this.#unsaved];
  }

  get part(): string | undefined {
    return this.#part;
  }

  get parts(): number {
    return this.#parts;
  }

  /** Rows made in this dispatch. */
  get rows(): ReadonlyMap<number, OutcomeRow> {
    return this.#rows;
  }

  /** Rows of earlier dispatches are needed to close the page. */
  get resumed(): boolean {
    return this.items.length > this.#rows.size;
  }

  /** Counters of all rows known so far, written down or not: for live figures only. */
  counters(): Counters {
    return addCounters(this.#savedCounters, countRows(this.#unsaved.map((u) => u.row)));
  }

  checkpoint(calm = false): Checkpoint {
    return {
      v: 1,
      done: this.#saved.encode(),
      hands: [...this.#hands, ...this.#announced].slice(0, MAX_HANDS),
      counters: this.#savedCounters,
      ...(this.#part !== undefined && { part: this.#part }),
      parts: this.#parts,
      ...(this.#deaths.size > 0 && { deaths: Object.fromEntries(this.#deaths) }),
      ...(this.#crowded && { crowded: true }),
      ...(calm && { calm }),
    };
  }
}
