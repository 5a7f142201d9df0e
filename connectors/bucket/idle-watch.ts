import type { Readable } from 'node:stream';

/** Ends streams on which nothing has come for too long while somebody waits for it: one timer for all of them. */
export class IdleWatch {
  readonly #ms: number;
  /** Since when somebody waits for more of a stream, Unix time in milliseconds. */
  readonly #waiting = new Map<Readable, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param ms a stream is ended after so long, or up to a quarter later */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Somebody waits for more of this stream from now on. */
  waits(stream: Readable): void {
    this.#waiting.set(stream, Date.now());
    this.#timer ??= setInterval(() => this.#look(), this.#ms / 4).unref();
  }

  /** Nobody waits for it: what came is being dealt with, or it is over. */
  rests(stream: Readable): void {
    this.#waiting.delete(stream);
  }

  #look(): void {
    const now = Date.now();
    for (const [stream, since] of this.#waiting) if (now - since > this.#ms) stream.destroy(new Error('idle'));
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
