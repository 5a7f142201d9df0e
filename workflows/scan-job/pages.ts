import { pageId } from '../../domain/item.ts';
import { limitsOf } from '../../domain/limits.ts';
import { FULL_SHARE, fits, lastSharesOf, type Share, sameShare, sharesOf } from '../../domain/shares.ts';
import type { PageTask, ScanJobState } from './state.ts';

/**
 * Pages dispatched at once, where the start does not say: what four workers take. Those that no worker has begun wait in
 * Temporal, which shares them out.
 */
const WINDOW = 16;

interface Flight {
  readonly task: PageTask;
  readonly share: Share;
  /** It was told to come back. */
  leaving: boolean;
}

/**
 * The pages of a job: those that wait, in the state, and those in flight, each with its share of the job's limits.
 *
 * At every moment the shares in flight sum up to no more than the limits, those that are only coming back included: what is
 * lowered takes effect as pages come back, and what is raised is given out only once there is room for it.
 */
export class Pages {
  readonly #state: ScanJobState;
  readonly #flying = new Map<string, Flight>();

  constructor(state: ScanJobState) {
    this.#state = state;
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  get ids(): string[] {
    return [...this.#flying.keys()];
  }

  /** Pages that were listed, or handed back, and are not in flight. */
  get waiting(): number {
    return this.#state.ranges.reduce((sum, range) => sum + range.end - range.next, this.#state.returned.length);
  }

  /** The next page to scan while a share of the limits is free, or undefined. */
  take(): PageTask | undefined {
    const limits = limitsOf(this.#state.limits ?? {});
    const taken = [...this.#flying.values()].map(({ share }) => share);
    const share = this.#divide().free[0];
    if (share === undefined || taken.length >= this.#window || !fits(limits, taken, share)) return undefined;
    const task = this.#state.returned.shift() ?? this.#nextListed();
    if (task !== undefined) this.#flying.set(task.page, { task, share, leaving: false });
    return task;
  }

  /** What a page in flight was given. */
  shareOf(page: string): Share {
    return this.#flying.get(page)?.share ?? FULL_SHARE;
  }

  /** Pages in flight that have to come back because their share is no longer one of the job's; each is named once. */
  takeMisfits(): string[] {
    return this.#leave(this.#divide().misfits);
  }

  /** All pages in flight, as far as they were not told already. */
  takeAll(): string[] {
    return this.#leave([...this.#flying.values()]);
  }

  #leave(flights: readonly Flight[]): string[] {
    const told = flights.filter(({ leaving }) => !leaving);
    for (const flight of told) flight.leaving = true;
    return told.map(({ task }) => task.page);
  }

  /** The page is no longer in flight. */
  landed(page: string): void {
    this.#flying.delete(page);
  }

  /** It goes on from where it is, before all others. */
  handBack(task: PageTask): void {
    this.#state.returned.unshift(task);
  }

  /** A page that was begun and has rows that no segment holds. */
  get unsealed(): PageTask | undefined {
    return this.#state.returned.find((task) => (task.checkpoint?.parts ?? 0) > 0);
  }

  /** A segment holds its rows now. */
  sealed(page: string): void {
    this.#state.returned = this.#state.returned.filter((task) => task.page !== page);
  }

  get #window(): number {
    return this.#state.request.window ?? WINDOW;
  }

  /** The shares that no page in flight has, and the pages whose share is none of them. */
  #divide(): { free: Share[]; misfits: Flight[] } {
    const limits = limitsOf(this.#state.limits ?? {});
    const free = this.#state.listing.done
      ? lastSharesOf(limits, this.#window, this.#flying.size + this.waiting)
      : sharesOf(limits, this.#window);
    const misfits: Flight[] = [];
    for (const flight of this.#flying.values()) {
      if (flight.leaving) continue;
      const at = free.findIndex((share) => sameShare(share, flight.share));
      if (at < 0) misfits.push(flight);
      else free.splice(at, 1);
    }
    return { free, misfits };
  }

  #nextListed(): PageTask | undefined {
    const range = this.#state.ranges[0];
    if (range === undefined) return undefined;
    const task = { page: pageId(range.lane, range.next), index: range.index };
    range.next += 1;
    if (range.next >= range.end) this.#state.ranges.shift();
    return task;
  }
}
