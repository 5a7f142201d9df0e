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
  #length = 0;

  update(bytes: Uint8Array): void {
    const columns = this.#columns;
    let place = this.#length % PERIOD;
    for (let i = 0; i < bytes.length; i++) {
      columns[place] = (columns[place] as number) ^ (bytes[i] as number);
      place = place === PERIOD - 1 ? 0 : place + 1;
    }
    this.#length += bytes.length;
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
