/** A fixed set of ordinals 0 … size-1. 5,000 ordinals take 625 bytes, 836 characters as base64. */
export class Bitmap {
  readonly size: number;
  readonly #bytes: Buffer;

  constructor(size: number, encoded?: string) {
    this.size = size;
    this.#bytes = Buffer.alloc(Math.ceil(size / 8));
    if (encoded !== undefined) Buffer.from(encoded, 'base64').copy(this.#bytes);
  }

  has(ordinal: number): boolean {
    return ((this.#bytes[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }

  add(ordinal: number): void {
    this.#bytes[ordinal >> 3] = (this.#bytes[ordinal >> 3] ?? 0) | (1 << (ordinal & 7));
  }

  encode(): string {
    return this.#bytes.toString('base64');
  }
}
