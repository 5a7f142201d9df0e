import { createHash, type Hash, hash } from 'node:crypto';
import type { Inspected } from './engine.ts';

/** Up to this a body is kept whole; above it only its beginning. In bytes. */
const KEEP = 8 * 2 ** 20;
const HEAD = 64 * 1024;
/** From here on the hash is computed on the way. */
const HASH_AT_ONCE = 2 ** 20;

/** A body as it arrives: counted, hashed, searched for patterns, and kept as far as it is small. */
export class IncomingBody {
  bytes = 0;
  #chunks: Buffer[] = [];
  #hash: Hash | undefined;
  #kept = true;
  #found = false;
  #tail: Buffer = Buffer.alloc(0);
  readonly #patterns: readonly Buffer[];

  constructor(patterns: readonly Buffer[]) {
    this.#patterns = patterns;
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.#kept) this.#chunks.push(chunk);
    if (this.#hash === undefined) {
      if (this.bytes <= HASH_AT_ONCE) return;
      this.#hash = createHash('sha256');
      for (const c of this.#chunks) this.#hash.update(c);
    } else {
      this.#hash.update(chunk);
    }
    if (this.#kept && this.bytes > KEEP) {
      for (const c of this.#chunks) this.#search(c);
      this.#chunks = [headOf(this.#chunks)];
      this.#kept = false;
    } else if (!this.#kept) {
      this.#search(chunk);
    }
  }

  finish(): Inspected {
    const data = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const sha256 = this.#hash === undefined ? hash('sha256', data) : this.#hash.digest('hex');
    return { data, whole: this.#kept, sha256, patternFound: this.#found };
  }

  /** With the end of what came before, so that a pattern across two chunks is found. */
  #search(chunk: Buffer): void {
    if (this.#patterns.length === 0 || this.#found) return;
    const text = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    let longest = 0;
    for (const p of this.#patterns) {
      if (text.includes(p)) this.#found = true;
      longest = Math.max(longest, p.length);
    }
    this.#tail = Buffer.from(text.subarray(Math.max(0, text.length - longest + 1)));
  }
}

/** The first 64 KiB, copied. */
function headOf(chunks: readonly Buffer[]): Buffer {
  const head: Buffer[] = [];
  let bytes = 0;
  for (const c of chunks) {
    head.push(c);
    bytes += c.length;
    if (bytes >= HEAD) break;
  }
  return Buffer.concat(head, Math.min(bytes, HEAD));
}
