import { crc32 } from 'node:zlib';

/** Bytes in front of the data of an encrypted member. */
export const CIPHER_HEADER = 12;

/** The classic cipher of the ZIP format (PKWARE APPNOTE 6.1). One instance goes through one member, front to back. */
export class ZipCipher {
  #k0 = 0x12345678;
  #k1 = 0x23456789;
  #k2 = 0x34567890;

  constructor(password: Uint8Array) {
    for (const byte of password) this.#update(byte);
  }

  decrypt(data: Uint8Array): Buffer {
    const plain = Buffer.allocUnsafe(data.length);
    for (let i = 0; i < data.length; i++) {
      const byte = (data[i] as number) ^ this.#mask();
      plain[i] = byte;
      this.#update(byte);
    }
    return plain;
  }

  encrypt(plain: Uint8Array): Buffer {
    const data = Buffer.allocUnsafe(plain.length);
    for (let i = 0; i < plain.length; i++) {
      const byte = plain[i] as number;
      data[i] = byte ^ this.#mask();
      this.#update(byte);
    }
    return data;
  }

  #mask(): number {
    const temporary = (this.#k2 | 2) & 0xffff;
    return (Math.imul(temporary, temporary ^ 1) >>> 8) & 0xff;
  }

  #update(byte: number): void {
    this.#k0 = step(this.#k0, byte);
    this.#k1 = (Math.imul((this.#k1 + (this.#k0 & 0xff)) >>> 0, 134_775_813) + 1) >>> 0;
    this.#k2 = step(this.#k2, this.#k1 >>> 24);
  }
}

/** CRC-32 of one byte, without the inversions at its ends. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => (crc32(Buffer.of(byte), 0xffffffff) ^ 0xffffffff) >>> 0);

function step(key: number, byte: number): number {
  return ((TABLE[(key ^ byte) & 0xff] as number) ^ (key >>> 8)) >>> 0;
}
