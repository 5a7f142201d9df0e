const WIDTH = 20;
const STEP = 11;
/** After so many bytes the place in the ring is the first one again: 160 × 11 bits are a whole number of turns. */
const PERIOD = 160;

/**
 * The hash that OneDrive and SharePoint give of a file's bytes, in Base64: byte i is XORed into a ring of 160 bits at bit
 * 11 × i, then the length (64 bits, little-endian) into the last 8 bytes.
 */
export function quickXorHash(bytes: Uint8Array): string {
  // Bytes that meet the ring at the same place are folded first.
  const folded = new Uint8Array(PERIOD);
  for (let i = 0, place = 0; i < bytes.length; i++) {
    folded[place] = (folded[place] as number) ^ (bytes[i] as number);
    place = place + 1 === PERIOD ? 0 : place + 1;
  }
  const ring = Buffer.alloc(WIDTH);
  for (let place = 0; place < PERIOD; place++) {
    const bit = (place * STEP) % (WIDTH * 8);
    const value = (folded[place] as number) << (bit % 8);
    const at = Math.floor(bit / 8);
    const after = (at + 1) % WIDTH;
    ring[at] = (ring[at] as number) ^ (value & 0xff);
    ring[after] = (ring[after] as number) ^ (value >> 8);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  for (let i = 0; i < 8; i++) ring[WIDTH - 8 + i] = (ring[WIDTH - 8 + i] as number) ^ (length[i] as number);
  return ring.toString('base64');
}
