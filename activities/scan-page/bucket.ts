import { type Abortable, onAbort } from '../../domain/abort.ts';
import type { Seat } from '../../domain/ring.ts';

/** So much of its rate a bucket can save up while nobody takes, in seconds. */
const SAVED_SECONDS = 0.5;

interface Waiter extends Abortable {
  readonly amount: number;
  readonly resolve: () => void;
  /** Among those who are told when its signal aborts. */
  seat?: Seat;
}

/**
 * Gives out so much a second, in whole amounts, and never more: it begins empty, saves up half a second's worth at most, and an
 * amount above that is given on credit, which is paid back before the next one. Who asks for it first is served first.
 */
export class Bucket {
  readonly #perMs: number;
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #lanes = { first: new Set<Waiter>(), later: new Set<Waiter>() };
  #level = 0;
  #at: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param now monotonic, in milliseconds */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond * SAVED_SECONDS);
    this.#now = now;
    this.#at = now();
  }

  /**
   * Waits for an amount, `first` ahead of all that come `later`.
   * @throws the signal's reason
   */
  take(amount: number, lane: 'first' | 'later', signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiting = this.#lanes[lane];
      const waiter: Waiter = {
        amount,
        resolve,
        abort: (reason) => {
          waiting.delete(waiter);
          reject(reason);
          this.#serve();
        },
      };
      waiting.add(waiter);
      waiter.seat = onAbort(signal, waiter);
      this.#serve();
    });
  }

  #serve(): void {
    this.#fill();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const missing = Math.min(next.amount, this.#capacity) - this.#level;
      if (missing > 0) {
        this.#wakeIn(missing / this.#perMs);
        return;
      }
      this.#level -= next.amount;
      this.#lanes.first.delete(next);
      this.#lanes.later.delete(next);
      next.seat?.leave();
      next.resolve();
    }
    clearTimeout(this.#timer);
  }

  #next(): Waiter | undefined {
    for (const lane of [this.#lanes.first, this.#lanes.later]) for (const waiter of lane) return waiter;
    return undefined;
  }

  #fill(): void {
    const now = this.#now();
    this.#level = Math.min(this.#capacity, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#serve(), Math.max(1, Math.ceil(ms)));
  }
}
