/** Attempts are in flight and nothing was answered for so long: somebody asks whether the scanner can be reached. Milliseconds. */
const SILENCE_MS = 30_000;
const LOOK_EVERY_MS = 5_000;

/**
 * Notices that a scanner has fallen silent long before the attempts in flight give up, which a large archive may keep for ten
 * minutes. Silence alone proves nothing: `ask` finds out.
 */
export class Silence {
  readonly #ask: () => Promise<void>;
  readonly #now: () => number;
  #inFlight = 0;
  #heardAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  constructor(ask: () => Promise<void>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  begin(): void {
    this.#inFlight += 1;
    if (this.#timer !== undefined) return;
    this.#heardAt = this.#now();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** The scanner said something. */
  heard(): void {
    this.#heardAt = this.#now();
  }

  end(): void {
    this.#inFlight -= 1;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#inFlight === 0) {
      this.close();
      return;
    }
    if (this.#asking || this.#now() - this.#heardAt < SILENCE_MS) return;
    this.#asking = true;
    void this.#ask().finally(() => {
      this.#asking = false;
      this.heard();
    });
  }
}
