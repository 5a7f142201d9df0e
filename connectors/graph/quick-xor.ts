const WIDTH_BITS = 160;
const STEP_BITS = 11;
/** Byte i goes to bit 11·i of a ring of 160 bits: after 160 bytes the places repeat. */
const PERIOD = 160;

/**
 * The hash that SharePoint and OneDrive for Business give for a file. It finds damage, not malice: anybody can make two files
 * with the same one.
 */
export class QuickXor {
  /** Bytes that share a place, XORed: the ring is only turned at the end. */
  readonly #columns = new Uint8Array(PERIOD);
  /** The same, four at a time. */
  readonly #words = new Int32Array(this.#columns.buffer);
  #length = 0;

  update(bytes: Uint8Array): void {
    const start = Math.min(bytes.length, (4 - (this.#length % 4)) % 4);
    this.#mix(bytes.subarray(0, start));
    const whole = start + (bytes.length - start - ((bytes.length - start) % 4));
    this.#mixWords(wordsOf(bytes.subarray(start, whole)));
    this.#mix(bytes.subarray(whole));
  }

  #mix(bytes: Uint8Array): void {
    const columns = this.#columns;
    for (const byte of bytes) {
      const place = this.#length++ % PERIOD;
      columns[place] = (columns[place] as number) ^ byte;
    }
  }

  #mixWords(words: Int32Array): void {
    const columns = this.#words;
    let place = (this.#length % PERIOD) / 4;
    for (let i = 0; i < words.length; i++) {
      columns[place] = (columns[place] as number) ^ (words[i] as number);
      place = place === PERIOD / 4 - 1 ? 0 : place + 1;
    }
    this.#length += words.length * 4;
  }

  /** As Graph writes it: Base64. */
  digest(): string {
    const ring = Buffer.alloc(WIDTH_BITS / 8);
    const mix = (at: number, value: number) => {
      const index = at % ring.length;
      ring[index] = (ring[index] as number) ^ (value & 0xff);
    };
    for (const [place, value] of this.#columns.entries()) {
      const bit = (place * STEP_BITS) % WIDTH_BITS;
      const shifted = value << (bit % 8);
      mix(bit >> 3, shifted);
      mix((bit >> 3) + 1, shifted >> 8);
    }
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(this.#length));
    for (const [index, value] of length.entries()) mix(ring.length - 8 + index, value);
    return ring.toString('base64');
  }
}

/** Bytes as words, in the order that this machine keeps both in. A view where they lie well, else of a copy. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const well = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Int32Array(well.buffer, well.byteOffset, well.length / 4);
}
