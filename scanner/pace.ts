/** Where a limiter starts, and below which mere waiting (as against a refusal) never brings it. */
export const START = 8;
/** Waiting that is no sign of a queue at the scanner, in milliseconds. */
const FREE_WAIT_MS = 20;
/** How much longer than at its best a scan may wait before the limit stops growing. */
const PATIENCE = 2;
/** Above this many times the bearable wait, the limit falls by a tenth. */
const OVERDONE = 1.5;
/** How often the best wait is measured anew, with half of the limit for one window, in milliseconds and windows. */
const REMEASURE_MS = 30_000;
const REMEASURE_WINDOWS = 20;
const LONGEST_WINDOW = 128;
const SHORTEST_WINDOW = 4;

/**
 * How many items may be in flight: additive growth, multiplicative cuts. *Wait* is the time from the last byte sent to the
 * answer, less the scanner's own scan time: what is left is queueing and the network. Samples are gathered in windows of
 * about two round trips of items that were granted under the present limit; a window's median is its wait. While it holds
 * (`bearable`), and only if the limit was really used, the limit grows: doubling until it first does not, then by an eighth.
 */
export interface Pace {
  /** Whole, at least 1. */
  readonly limit: number;
  /** An item was answered. `full`: all slots were taken when it was granted. */
  sample(at: number, grantedAt: number, waitMs: number, full: boolean): void;
  /** The scanner refused or gave no answer in time: half, at most once in a round trip. */
  overload(at: number, grantedAt: number): void;
}

export function createPace(max: number, now: () => number): Pace {
  return new WindowedPace(max, now());
}

class WindowedPace implements Pace {
  limit: number;
  readonly #max: number;
  readonly #floor: number;
  #doubling = true;
  #best = Number.POSITIVE_INFINITY;
  #windowFrom: number;
  #count = 0;
  #full = false;
  readonly #waits = new Float64Array(LONGEST_WINDOW);
  #cutAt = Number.NEGATIVE_INFINITY;
  #measuredAt: number;
  #windows = 0;
  /** While the best wait is measured anew: the limit to go back to. */
  #resume = 0;

  constructor(max: number, at: number) {
    this.#max = max;
    this.limit = Math.min(START, max);
    this.#floor = this.limit;
    this.#windowFrom = at;
    this.#measuredAt = at;
  }

  sample(at: number, grantedAt: number, waitMs: number, full: boolean): void {
    if (grantedAt < this.#windowFrom) return;
    if (full) this.#full = true;
    this.#waits[this.#count] = waitMs;
    this.#count += 1;
    if (this.#count >= this.#windowSize()) this.#close(at);
  }

  overload(at: number, grantedAt: number): void {
    if (grantedAt <= this.#cutAt) return;
    this.#cutAt = at;
    this.#doubling = false;
    this.#resume = 0;
    this.limit = Math.max(1, Math.floor(this.limit / 2));
    this.#open(at);
  }

  #windowSize(): number {
    return Math.min(LONGEST_WINDOW, Math.max(SHORTEST_WINDOW, 2 * this.limit));
  }

  #close(at: number): void {
    const waits = this.#waits.subarray(0, this.#count).sort();
    const wait = waits[this.#count >> 1] as number;
    this.#windows += 1;
    if (this.#resume > 0) {
      this.#best = wait;
      this.limit = this.#resume;
      this.#resume = 0;
      this.#measuredAt = at;
      this.#windows = 0;
    } else {
      this.#best = Math.min(this.#best, wait);
      this.#adjust(wait);
      if (at - this.#measuredAt > REMEASURE_MS && this.#windows >= REMEASURE_WINDOWS) this.#remeasure();
    }
    this.#open(at);
  }

  #adjust(wait: number): void {
    const bearable = PATIENCE * this.#best + FREE_WAIT_MS;
    if (wait > bearable) {
      this.#doubling = false;
      if (wait > OVERDONE * bearable)
        this.limit = Math.max(Math.min(this.#floor, this.limit), Math.floor(this.limit * 0.9));
    } else if (this.#full) {
      const step = this.#doubling ? this.limit : Math.ceil(this.limit / 8);
      this.limit = Math.min(this.#max, this.limit + step);
    }
  }

  #remeasure(): void {
    if (this.limit <= 2) {
      this.#best = Number.POSITIVE_INFINITY;
      this.#windows = 0;
      return;
    }
    this.#resume = this.limit;
    this.limit = Math.ceil(this.limit / 2);
  }

  #open(at: number): void {
    this.#windowFrom = at;
    this.#count = 0;
    this.#full = false;
  }
}
