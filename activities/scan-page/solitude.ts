/** An item that is to be alone waits so long for the others to finish. Milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Who is in hand in this process. An item that a worker died over is tried again with nothing else in hand, in no page of the
 * process: only then does another death speak against it alone.
 */
export class Solitude {
  #inside = 0;
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  /** Set while somebody is to be alone: await it, then look again, before `enter`. */
  get closed(): Promise<void> | undefined {
    return this.#closed;
  }

  /** One more item is in hand. */
  enter(): void {
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
    if (this.#inside === 0) this.#onEmpty?.();
  }

  /**
   * Runs the work while nothing else begins, one at a time.
   * @param work is told whether it is alone, or others did not finish in time
   */
  async alone<T>(work: (isAlone: boolean) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    while (this.#closed !== undefined) await this.#closed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    try {
      await this.#empty(patienceMs);
      return await work(this.#inside === 0);
    } finally {
      this.#closed = undefined;
      resolve();
    }
  }

  async #empty(patienceMs: number): Promise<void> {
    if (this.#inside === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onEmpty = undefined;
  }
}

/** The one of this process. */
export const solitude = new Solitude();
