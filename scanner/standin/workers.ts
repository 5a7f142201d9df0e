/** Scans at once, and those that wait for one to end: what makes a stand-in as busy as a scanner. */
export class Workers {
  #busy = 0;
  readonly #queue: { ms: number; done: () => void }[] = [];
  readonly #workers: number;
  readonly #places: number;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(workers: number, places: number) {
    this.#workers = workers;
    this.#places = places;
  }

  /** Calls `done` after a worker had the scan for `ms`; false if there is neither a worker nor a place in the queue. */
  run(ms: number, done: () => void): boolean {
    if (this.#busy >= this.#workers) {
      if (this.#queue.length >= this.#places) return false;
      this.#queue.push({ ms, done });
      return true;
    }
    this.#busy += 1;
    if (ms <= 0) {
      this.#busy -= 1;
      done();
      return true;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#busy -= 1;
      done();
      const next = this.#queue.shift();
      if (next !== undefined) this.run(next.ms, next.done);
    }, ms);
    this.#timers.add(timer);
    return true;
  }

  stop(): void {
    for (const t of this.#timers) clearTimeout(t);
    this.#queue.length = 0;
  }
}
