import type { EventFigures } from '../../domain/intake.ts';
import type { ScanJobState } from '../scan-job/state.ts';
import type { Supply, SupplyTurn } from '../scan-job/supply.ts';
import type { EventBook } from './event-book.ts';

/** Items of a page: few, so that none waits long for its page to close. */
const PAGE_ITEMS = 100;
/** Pages listed and not closed at which no further one is planned: what waits is superseded, or taken together, while it waits. */
const OPEN_PAGES = 8;
/** Items after which the job ends and the next one begins. */
const JOB_ITEMS = 100_000;

/** Gives a job the events of the book, until its time is over. */
export class EventSupply implements Supply {
  readonly #book: EventBook;
  readonly #figures: () => Omit<EventFigures, 'received' | 'pending'>;
  readonly #jobItems: number;
  /** Set from outside: the job is to end with what it has. */
  ends = false;
  /** Set from outside while marks are being read. */
  reading = false;

  constructor(book: EventBook, figures: () => Omit<EventFigures, 'received' | 'pending'>, jobItems = JOB_ITEMS) {
    this.#book = book;
    this.#figures = figures;
    this.#jobItems = jobItems;
  }

  get quiet(): boolean {
    return !this.reading;
  }

  take(state: ScanJobState, open: number): SupplyTurn | undefined {
    if (this.ends || state.listed >= this.#jobItems) return { events: [], last: true };
    if (open >= OPEN_PAGES || !this.#book.ready) return undefined;
    return { events: this.#book.take(PAGE_ITEMS), last: false };
  }

  planned(page: string | undefined): void {
    this.#book.planned(page);
  }

  giveBack(): void {
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
    return { ...this.#figures(), received: this.#book.count, pending: this.#book.pending };
  }
}
