import type { Share } from '../../domain/shares.ts';
import { Bucket } from './bucket.ts';

/** Largest piece of a body that is paid for at once, in bytes; at small rates pieces are a quarter of a second. */
const PIECE = 64 * 1024;
const PIECE_SECONDS = 0.25;
/** An item that its page's bytes per second would keep under way for longer is not begun. Below a paced page's own limit. */
const LONGEST_ITEM_SECONDS = 24 * 3600;

/**
 * Keeps a page to its share of the job's rates. Items pay in order: one request to begin, then their bytes as they flow. What
 * is under way is paid for before anything new begins, so that no more items wait in the scanner's slots than the rate needs.
 */
export class Pace {
  readonly #requests: Bucket | undefined;
  readonly #bytes: Bucket | undefined;
  readonly #bytesPerSecond: number | undefined;
  readonly #piece: number;

  private constructor({ requestsPerSecond, bytesPerSecond }: Share) {
    this.#requests = requestsPerSecond === undefined ? undefined : new Bucket(requestsPerSecond);
    this.#bytes = bytesPerSecond === undefined ? undefined : new Bucket(bytesPerSecond);
    this.#bytesPerSecond = bytesPerSecond;
    this.#piece = Math.max(1, Math.min(PIECE, Math.floor((bytesPerSecond ?? PIECE) * PIECE_SECONDS)));
  }

  /** Undefined when the share has no rates: then nothing is ever waited for. */
  static of(share: Share): Pace | undefined {
    return share.requestsPerSecond === undefined && share.bytesPerSecond === undefined ? undefined : new Pace(share);
  }

  /** Waits until an item may be opened. @throws the signal's reason */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#requests?.take(1, 'later', signal);
  }

  /** Why an item of this size can't get through at this rate, or undefined when it can. */
  refusal(size: number): string | undefined {
    const rate = this.#bytesPerSecond;
    if (rate === undefined || size / rate <= LONGEST_ITEM_SECONDS) return undefined;
    return `${size} bytes would take over a day at the ${rate} bytes a second that the limit leaves this page; raise it`;
  }

  /** Waits for the first bytes of a body, before it takes a slot of the scanner. @throws the signal's reason */
  async body(size: number, signal: AbortSignal): Promise<PacedBody | undefined> {
    if (this.#bytes === undefined) return undefined;
    const paid = Math.min(size, PIECE);
    if (paid > 0) await this.#bytes.take(paid, 'later', signal);
    return new PacedBody(this.#bytes, this.#piece, paid);
  }
}

/** The bytes of one item, given out at the pace of its page. */
export class PacedBody {
  readonly #bucket: Bucket;
  readonly #piece: number;
  #paid: number;
  #heldMs = 0;
  #heldFrom: number | undefined;

  constructor(bucket: Bucket, piece: number, paid: number) {
    this.#bucket = bucket;
    this.#piece = piece;
    this.#paid = paid;
  }

  /** How long the bytes were held back so far, in milliseconds. */
  heldMs(): number {
    return this.#heldMs + (this.#heldFrom === undefined ? 0 : performance.now() - this.#heldFrom);
  }

  /** The source's bytes in pieces of its own chunks, each when it is paid for. */
  async *read(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + (this.#paid > 0 ? Math.min(this.#paid, PIECE) : this.#piece));
        await this.#pay(piece.length, signal);
        yield piece;
        at += piece.length;
      }
    }
  }

  async #pay(bytes: number, signal: AbortSignal): Promise<void> {
    const due = bytes - this.#paid;
    this.#paid = Math.max(0, this.#paid - bytes);
    if (due <= 0) return;
    this.#heldFrom = performance.now();
    try {
      await this.#bucket.take(due, 'first', signal);
    } finally {
      this.#heldMs += performance.now() - this.#heldFrom;
      this.#heldFrom = undefined;
    }
  }
}
