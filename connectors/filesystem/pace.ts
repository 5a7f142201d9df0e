/** A call that took longer was not answered from memory. Milliseconds. */
const SLOW_MS = 0.5;
/** After a slow call so many items go the other way; twice as many each time it happens again, up to the last. */
const FIRST_SPAN = 64;
const LAST_SPAN = 16_384;
/** So many quick calls in a row make the slow ones before them forgotten. */
const FORGIVING = 1_024;

/**
 * Whether small files of a local device are opened and read at once, in the thread that asks. From memory that takes a few
 * microseconds, a fraction of what handing the call to another thread costs. From a disk it would hold up the process, so the
 * first slow call sends the following items the other way, where many wait at the same time.
 */
export class Pace {
  #skip = 0;
  #span = FIRST_SPAN;
  #quick = 0;

  /** Asked once for each item. */
  atOnce(): boolean {
    if (this.#skip === 0) return true;
    this.#skip -= 1;
    return false;
  }

  /** How long a call at once took, in milliseconds. */
  took(ms: number): void {
    if (ms <= SLOW_MS) {
      this.#quick += 1;
      if (this.#quick === FORGIVING) this.#span = FIRST_SPAN;
      return;
    }
    this.#quick = 0;
    this.#skip = this.#span;
    this.#span = Math.min(this.#span * 2, LAST_SPAN);
  }
}
