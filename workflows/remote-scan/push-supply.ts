import type { EventFigures } from '../../domain/intake.ts';
import { PUSHED_SHARD } from '../../domain/remote.ts';
import type { EventBook } from '../on-access/event-book.ts';
import type { ScanJobState } from '../scan-job/state.ts';
import type { Supply, SupplyTurn } from '../scan-job/supply.ts';

/** Items of a page. */
const PAGE_ITEMS = 500;
/** Pages listed and not closed at which no further one is planned: names of intake pages wait in their stead. */
const OPEN_PAGES = 64;

/** Gives a job what its connector pushes, until that has ended. */
export class PushSupply implements Supply {
  readonly #book: EventBook;
  readonly #lastAt: () => string | undefined;
  /** Set from outside: nothing more is waited for. What came is still scanned. */
  ends = false;
  #told = false;
  /** Set from outside while marks are being read. */
  reading = false;

  constructor(book: EventBook, lastAt: () => string | undefined) {
    this.#book = book;
    this.#lastAt = lastAt;
  }

  get quiet(): boolean {
    return !this.reading;
  }

  take(_state: ScanJobState, open: number): SupplyTurn | undefined {
    if (open < OPEN_PAGES && this.#book.ready) return { events: this.#book.take(PAGE_ITEMS), last: false };
    if (!this.ends || this.#book.pending > 0) return undefined;
    this.#told = true;
    return { events: [], last: true };
  }

  /** The job was told that nothing more comes: its listing can't go on. */
  get over(): boolean {
    return this.#told;
  }

  planned(page: string | undefined): void {
    this.#book.planned(page);
  }

  giveBack(): void {
    this.#told = false;
    this.#book.giveBack();
  }

  closed(page: string): void {
    this.#book.closed(page);
  }

  again(page: string, as: string): void {
    this.#book.again(page, as);
  }

  drop(): number {
    return this.#book.drop();
  }

  figures(): EventFigures {
    const lastAt = this.#lastAt();
    return {
      shard: PUSHED_SHARD,
      received: this.#book.count,
      pending: this.#book.pending,
      ...(lastAt !== undefined && { lastAt }),
    };
  }
}
