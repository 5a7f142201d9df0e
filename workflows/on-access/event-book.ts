import type { EventMark, IntakeRef, Received, ReceivedPages } from '../../domain/intake.ts';
import { EventWindow } from './event-window.ts';
import { LaterPages, type LaterSpan } from './later-pages.ts';
import { PagesReceived } from './received-pages.ts';

/** Events that are known one by one. Of pages that come while it is full only the names are kept, and they are read when there is room. */
export const MOST_PENDING = 4_096;

/** Why an event is not scanned. */
export type EventSkip = 'duplicate' | 'superseded';

/** Lines (0-based) of one intake page that a planning turn takes, in order, and those of them that are not to be scanned. */
export interface TakenEvents {
  readonly ref: IntakeRef;
  readonly lines: readonly number[];
  readonly duplicate?: readonly number[];
  readonly superseded?: readonly number[];
}

/** A pending event. `place` is empty once it is not to be scanned. */
interface Pending {
  readonly page: number;
  readonly line: number;
  place: string;
  skip?: EventSkip;
}

/** What is carried over continue-as-new. At most some 700 KiB as JSON. */
export interface EventBookState {
  readonly received: readonly ReceivedPages[];
  readonly count: number;
  readonly keys: readonly string[];
  readonly places: readonly (readonly [place: string, order: string])[];
  readonly pages: readonly (readonly [page: number, slot: string, writer: string, n: number])[];
  readonly pending: readonly (readonly [page: number, line: number, place: string, skip?: EventSkip])[];
  readonly later: readonly LaterSpan[];
  readonly air: readonly (readonly [page: string, places: readonly string[]])[];
}

/**
 * The rules of what becomes of events: every one is taken by exactly one planning turn, to be scanned or not. A repeat is a
 * `duplicate`; of two events of one place the older is `superseded`, unless it was taken before the newer came. An event whose place is being
 * scanned waits until that page is closed. Plain and deterministic, of bounded size.
 */
export class EventBook {
  readonly #received: PagesReceived;
  readonly #window: EventWindow;
  readonly #later: LaterPages;
  /** Intake pages with pending events, by a number of our own. */
  readonly #pages: Map<number, IntakeRef>;
  #pending: Pending[];
  /** Of each place the pending event that is to be scanned. */
  readonly #newest = new Map<string, Pending>();
  #taken: Pending[] = [];
  /** Places of pages that were planned and are not closed. */
  readonly #air: Map<string, readonly string[]>;
  /** Places that must not be taken now: those taken, and those in the air. */
  readonly #busy = new Set<string>();
  #count: number;
  #next: number;

  constructor(state?: EventBookState) {
    this.#received = new PagesReceived(state?.received);
    this.#window = new EventWindow(state?.keys, state?.places);
    this.#later = new LaterPages(state?.later);
    this.#pages = new Map((state?.pages ?? []).map(([page, slot, writer, n]) => [page, { slot, writer, n }]));
    this.#pending = (state?.pending ?? []).map(([page, line, place, skip]) => ({
      page,
      line,
      place,
      ...(skip && { skip }),
    }));
    for (const event of this.#pending) if (event.place !== '') this.#newest.set(event.place, event);
    this.#air = new Map(state?.air);
    for (const places of this.#air.values()) for (const place of places) this.#busy.add(place);
    this.#count = state?.count ?? 0;
    this.#next = Math.max(0, ...this.#pages.keys()) + 1;
  }

  /** Events that came, repeats among them. */
  get count(): number {
    return this.#count;
  }

  /** Events that no planning turn has planned. */
  get pending(): number {
    return this.#pending.length + this.#taken.length + this.#later.events;
  }

  /** A page came. One that came before changes nothing: false. */
  receive(ref: IntakeRef, marks: readonly EventMark[]): boolean {
    if (!this.#received.add(ref)) return false;
    this.#count += marks.length;
    // What came first is looked at first.
    if (this.#later.events > 0 || this.#pending.length + marks.length > MOST_PENDING)
      this.#later.add(ref, marks.length);
    else this.#admit(ref, marks);
    return true;
  }

  /** Pages, first come first, whose marks are to be read now because there is room for them. */
  wanted(most: number): IntakeRef[] {
    const room = MOST_PENDING - this.#pending.length - this.#taken.length;
    return this.#later.first(most, room);
  }

  /**
   * The marks of the first of the wanted pages were read; null: they can't be any more. Returns how many events are lost by now that were not
   * told before: those of a stretch of pages are known when its last page is read.
   */
  read(ref: IntakeRef, marks: readonly EventMark[] | null): number {
    const lost = this.#later.drop(ref, marks?.length);
    if (marks !== null) this.#admit(ref, marks);
    return lost;
  }

  #admit(ref: IntakeRef, marks: readonly EventMark[]): void {
    if (marks.length === 0) return;
    const page = this.#next++;
    this.#pages.set(page, ref);
    for (const [line, [key, place, order]] of marks.entries()) {
      const skip = this.#judge(key, place, order);
      const event: Pending = { page, line, place: skip === undefined ? place : '', ...(skip && { skip }) };
      this.#pending.push(event);
      if (skip !== undefined) continue;
      supersede(this.#newest.get(place));
      this.#newest.set(place, event);
    }
  }

  #judge(key: string, place: string, order: string | undefined): EventSkip | undefined {
    if (this.#window.repeats(key)) return 'duplicate';
    return this.#window.isOvertaken(place, order) ? 'superseded' : undefined;
  }

  /** True when a planning turn would find something to take. */
  get ready(): boolean {
    return this.#taken.length === 0 && this.#pending.some(({ place }) => !this.#busy.has(place));
  }

  /** Up to `most` events for one planning turn, whose end is told by `planned` or `giveBack` before the next. */
  take(most: number): TakenEvents[] {
    if (this.#taken.length > 0) throw new RangeError('a planning turn has not ended');
    const left: Pending[] = [];
    for (const event of this.#pending) {
      if (this.#taken.length >= most || this.#busy.has(event.place)) left.push(event);
      else this.#taken.push(event);
    }
    this.#pending = left;
    for (const { place } of this.#taken) if (place !== '') this.#occupy(place);
    return this.#byPage();
  }

  #occupy(place: string): void {
    this.#busy.add(place);
    this.#newest.delete(place);
  }

  #byPage(): TakenEvents[] {
    const byPage = new Map<number, Pending[]>();
    for (const event of this.#taken) {
      const events = byPage.get(event.page);
      if (events === undefined) byPage.set(event.page, [event]);
      else events.push(event);
    }
    return [...byPage].map(([page, events]) => {
      const ref = this.#pages.get(page);
      if (ref === undefined) throw new RangeError(`there is no intake page ${page}`);
      const lines = (skip: EventSkip) => events.filter((event) => event.skip === skip).map(({ line }) => line);
      const [duplicate, superseded] = [lines('duplicate'), lines('superseded')];
      return {
        ref,
        lines: events.map(({ line }) => line),
        ...(duplicate.length > 0 && { duplicate }),
        ...(superseded.length > 0 && { superseded }),
      };
    });
  }

  /** The turn's events are listed. @param page the page of the job that has them; undefined: there is none, all lay outside */
  planned(page: string | undefined): void {
    const places = this.#taken.map(({ place }) => place).filter((place) => place !== '');
    this.#taken = [];
    if (page === undefined) this.#free(places);
    else this.#air.set(page, places);
    const used = new Set(this.#pending.map((event) => event.page));
    for (const known of this.#pages.keys()) if (!used.has(known)) this.#pages.delete(known);
  }

  /** The turn's events are not listed: they go first again. */
  giveBack(): void {
    for (const event of this.#taken) {
      if (event.place === '') continue;
      this.#busy.delete(event.place);
      if (this.#newest.has(event.place)) supersede(event);
      else this.#newest.set(event.place, event);
    }
    this.#pending = [...this.#taken, ...this.#pending];
    this.#taken = [];
  }

  /** A page of the job is closed: its places may be scanned again, but for those that another page has. */
  closed(page: string): void {
    const places = this.#air.get(page) ?? [];
    this.#air.delete(page);
    this.#free(places);
    for (const others of this.#air.values()) for (const place of others) this.#busy.add(place);
  }

  /** Items of a page are listed again on another one: which ones is not known here, so all of its places stay taken. */
  again(page: string, as: string): void {
    const places = this.#air.get(page);
    if (places !== undefined) this.#air.set(as, places);
  }

  #free(places: readonly string[]): void {
    for (const place of places) this.#busy.delete(place);
  }

  /** The job is over: nothing of it is in the air any more. */
  land(): void {
    for (const page of [...this.#air.keys()]) this.closed(page);
  }

  /** Nothing that came is scanned any more, and may come again. Returns how many events waited. */
  drop(): number {
    const waited = this.pending;
    this.#pending = [];
    this.#taken = [];
    this.#pages.clear();
    this.#newest.clear();
    this.#air.clear();
    this.#busy.clear();
    this.#later.clear();
    this.#window.forget();
    return waited;
  }

  /** What was listed in a job that failed may come again, and is then no repeat. */
  forget(): void {
    this.#window.forget();
  }

  received(): Received {
    const slots = [...[...this.#pages.values()].map(({ slot }) => slot), ...this.#later.slots()].sort();
    return { writers: this.#received.all(), ...(slots[0] !== undefined && { oldest: slots[0] }) };
  }

  /** Only while no planning turn has events. */
  carry(): EventBookState {
    return {
      received: this.#received.all(),
      count: this.#count,
      keys: this.#window.keys(),
      places: this.#window.places(),
      pages: [...this.#pages].map(([page, { slot, writer, n }]) => [page, slot, writer, n]),
      pending: this.#pending.map(({ page, line, place, skip }) =>
        skip === undefined ? [page, line, place] : [page, line, place, skip],
      ),
      later: this.#later.all(),
      air: [...this.#air],
    };
  }
}

function supersede(event: Pending | undefined): void {
  if (event === undefined) return;
  event.place = '';
  event.skip = 'superseded';
}
