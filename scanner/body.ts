import { createHash } from 'node:crypto';
import { getDefaultHighWaterMark } from 'node:stream';
import { ScannerError } from './errors.ts';

/** Bodies of a known size up to this are sent as one buffer, and can be sent again. */
export const SMALL_BODY = 64 * 1024;

/** Largest piece handed to the socket at once, in bytes. */
const PIECE = 64 * 1024;
/**
 * Pieces are copies, because the source may reuse its chunk while the socket still holds it, and the copies go round in a
 * ring, because fresh ones would be garbage faster than it is collected. When the next piece is asked for, the socket holds
 * less than its high-water mark of unwritten bytes (or it would have made us wait until it holds none); a ring of several
 * times that never overwrites what is still to be written.
 */
const RING = 8 * Math.max(PIECE, getDefaultHighWaterMark(false));

/** The scanner is not given more than this: the caller's cap was reached, whatever the listing said. */
export class BodyTooLarge extends Error {}

/**
 * Reads a body of exactly `size` bytes (at most 64 KiB) into one buffer.
 * @throws ScannerError `short_read` if it ends before or after; the source's own errors as they are.
 */
export async function gather(body: AsyncIterable<Uint8Array>, size: number, name: string): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for await (const chunk of body) {
    if (at + chunk.length > size) throw tooLong(name, size);
    whole.set(chunk, at);
    at += chunk.length;
  }
  if (at < size) throw tooShort(name, at, size);
  return whole;
}

/** A body on its way: how much of it was handed over, and the hash of that. */
export class BodyStream {
  bytes = 0;
  /** Every promised byte was taken from the source, and the source has no more. */
  whole = false;
  /** Whom the stream is waiting for now. */
  waitingFor: 'source' | 'scanner' = 'scanner';
  /** What made the stream fail: the source's own error, `short_read`, or `BodyTooLarge`. */
  failure: { readonly error: unknown } | undefined;
  readonly #hash = createHash('sha256');
  #ring: Buffer | undefined;
  #ringAt = 0;
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #size: number | undefined;
  readonly #maxBytes: number;
  readonly #name: string;
  readonly #onProgress: () => void;

  constructor(
    body: AsyncIterable<Uint8Array>,
    size: number | undefined,
    maxBytes: number,
    name: string,
    onProgress: () => void,
  ) {
    this.#body = body;
    this.#size = size;
    this.#maxBytes = maxBytes;
    this.#name = name;
    this.#onProgress = onProgress;
  }

  /** Lower-case hex; once, at the end. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /**
   * The pieces to send. The last piece of a body of known size is given out only when the source has confirmed its end, so
   * that no server ever holds a body that looks complete and is not.
   */
  async *pieces(): AsyncGenerator<Buffer, void, undefined> {
    try {
      this.waitingFor = 'source';
      let last: Buffer | undefined;
      for await (const chunk of this.#body) {
        if (chunk.length === 0) continue;
        if (last !== undefined) throw tooLong(this.#name, this.bytes);
        this.#take(chunk.length);
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = this.#copy(chunk.subarray(at, at + PIECE));
          if (this.bytes === this.#size && at + PIECE >= chunk.length) {
            last = piece;
            continue;
          }
          this.waitingFor = 'scanner';
          yield piece;
          this.waitingFor = 'source';
          this.#onProgress();
        }
      }
      if (this.#size !== undefined && this.bytes < this.#size) throw tooShort(this.#name, this.bytes, this.#size);
      this.whole = true;
      this.waitingFor = 'scanner';
      this.#onProgress();
      if (last !== undefined) yield last;
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }

  #copy(part: Uint8Array): Buffer {
    this.#ring ??= Buffer.allocUnsafeSlow(Math.min(RING, this.#size ?? RING));
    if (this.#ringAt + part.length > this.#ring.length) this.#ringAt = 0;
    const piece = this.#ring.subarray(this.#ringAt, this.#ringAt + part.length);
    piece.set(part);
    this.#hash.update(piece);
    this.#ringAt += part.length;
    return piece;
  }

  #take(length: number): void {
    const bytes = this.bytes + length;
    if (this.#size !== undefined && bytes > this.#size) throw tooLong(this.#name, this.#size);
    if (bytes > this.#maxBytes) throw new BodyTooLarge(`more than ${this.#maxBytes} bytes`);
    this.bytes = bytes;
    this.#onProgress();
  }
}

function tooShort(name: string, bytes: number, size: number): ScannerError {
  return new ScannerError(
    'short_read',
    `Scanner ${name}: the item ended after ${bytes} of ${size} bytes; nothing was judged. It probably changed: scan it again.`,
  );
}

function tooLong(name: string, size: number): ScannerError {
  return new ScannerError(
    'short_read',
    `Scanner ${name}: the item goes on after the ${size} bytes that it should have; nothing was judged. Scan it again.`,
  );
}
