/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: eight bytes are taken at a time, which is several times faster than one by one. */
const TABLES: readonly Int32Array[] = tables();

function tables(): Int32Array[] {
  const all = Array.from({ length: 8 }, () => new Int32Array(256));
  const [first] = all as [Int32Array];
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    first[byte] = value;
  }
  for (let table = 1; table < 8; table++) {
    const [before, now] = [all[table - 1] as Int32Array, all[table] as Int32Array];
    for (let byte = 0; byte < 256; byte++) {
      const value = before[byte] as number;
      now[byte] = (first[value & 0xff] as number) ^ (value >>> 8);
    }
  }
  return all;
}

/** CRC32C of bytes that come in chunks: the hash that every object of the service has, composite ones too. */
export class Crc32c {
  #state = -1;

  update(bytes: Uint8Array): void {
    const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    let crc = this.#state;
    let at = 0;
    const whole = bytes.length - 7;
    for (; at < whole; at += 8) {
      crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
      crc =
        (t7[crc & 0xff] as number) ^
        (t6[(crc >>> 8) & 0xff] as number) ^
        (t5[(crc >>> 16) & 0xff] as number) ^
        (t4[crc >>> 24] as number) ^
        (t3[byte(bytes, at + 4)] as number) ^
        (t2[byte(bytes, at + 5)] as number) ^
        (t1[byte(bytes, at + 6)] as number) ^
        (t0[byte(bytes, at + 7)] as number);
    }
    for (; at < bytes.length; at++) crc = (t0[(crc ^ byte(bytes, at)) & 0xff] as number) ^ (crc >>> 8);
    this.#state = crc;
  }

  /** As the service writes it: base64 of the four bytes, the highest first. */
  base64(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.#state);
    return bytes.toString('base64');
  }
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
