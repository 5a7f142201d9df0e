/** A page that goes well comes back at least every turn: a worker whose work went well within this speaks for itself. Milliseconds. */
const VOUCHES_MS = 75_000;

/**
 * Who of the workers gets on and who is cut off, as their results tell: a job is held when nobody gets on, not when one worker's
 * network is broken. Not carried over continue-as-new: it is learnt again within a turn.
 */
export class Witnesses {
  readonly #good = new Map<string, number>();
  readonly #bad = new Map<string, number>();

  /** Work of this worker went well. Times are milliseconds of the workflow's clock. */
  good(worker: string | undefined, at: number): void {
    if (worker !== undefined) this.#good.set(worker, at);
  }

  /** This worker found the door closed. */
  bad(worker: string | undefined, at: number): void {
    if (worker !== undefined) this.#bad.set(worker, at);
  }

  /** Whether a worker got on lately, and has said nothing else since. */
  someoneGetsOn(now: number): boolean {
    for (const [worker, at] of this.#good) {
      if (now - at > VOUCHES_MS) this.#good.delete(worker);
      else if ((this.#bad.get(worker) ?? Number.NEGATIVE_INFINITY) < at) return true;
    }
    return false;
  }
}
