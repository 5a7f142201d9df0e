import type { Readable } from 'node:stream';
import { Ring, type Seat } from '../../domain/ring.ts';

interface Wait {
  readonly stream: Readable;
  /** Unix time in milliseconds. */
  readonly since: number;
}

/** Ends streams on which nothing has come for too long while somebody waits for it: one timer for all of them. */
export class IdleWatch {
  readonly #ms: number;
  readonly #waiting = new Ring<Wait>();
  #timer: NodeJS.Timeout | undefined;

  /** @param ms a stream is ended after so long, or up to a quarter later */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * Somebody waits for more of this stream from now on.
   * @returns to be left when nobody does: what came is being dealt with, or it is over
   */
  wait(stream: Readable): Seat {
    this.#timer ??= setInterval(() => this.#look(), this.#ms / 4).unref();
    return this.#waiting.join({ stream, since: Date.now() });
  }

  #look(): void {
    const now = Date.now();
    for (const { stream, since } of this.#waiting.all()) if (now - since > this.#ms) stream.destroy(new Error('idle'));
    if (!this.#waiting.isEmpty) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
