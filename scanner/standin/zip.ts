import { crc32, inflateRawSync } from 'node:zlib';
import { CIPHER_HEADER, ZipCipher } from './zip-cipher.ts';

export type ZipProblem = 'encrypted' | 'corrupted' | 'members' | 'size' | 'bomb';

export class ZipError extends Error {
  readonly problem: ZipProblem;

  constructor(problem: ZipProblem) {
    super(`zip: ${problem}`);
    this.problem = problem;
  }
}

export interface ZipMember {
  readonly name: string;
  readonly data: Buffer;
}

export const ZIP_CAPS = { members: 1_000, bytes: 256 * 2 ** 20, ratio: 100, depth: 3 };
/** Only what inflates to more than this can be a bomb: short runs of one byte compress well and harm nobody. */
const BOMB_FROM = 16 * 2 ** 20;

/**
 * The members of a zip, one at a time, by its central directory. Directories are left out.
 * @param budget bytes that may still be inflated
 * @param password opens members with the classic encryption; those with AES stay closed
 * @throws ZipError
 */
export function* zipMembers(
  zip: Buffer,
  budget: { bytes: number; members: number },
  password: Buffer | undefined,
): Generator<ZipMember> {
  let at = directoryOf(zip);
  while (at + 46 <= zip.length && zip.readUInt32LE(at) === 0x02014b50) {
    const flags = zip.readUInt16LE(at + 8);
    const method = zip.readUInt16LE(at + 10);
    const crc = zip.readUInt32LE(at + 16);
    const packed = zip.readUInt32LE(at + 20);
    const size = zip.readUInt32LE(at + 24);
    const nameLength = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    const encrypted = (flags & 1) !== 0;
    if (method === 99 || (encrypted && password === undefined)) throw new ZipError('encrypted');
    if (name.endsWith('/')) continue;
    if (budget.members <= 0) throw new ZipError('members');
    budget.members -= 1;
    if (size > BOMB_FROM && size > packed * ZIP_CAPS.ratio) throw new ZipError('bomb');
    if (size > budget.bytes) throw new ZipError('size');
    const member = { local, method, packed, size, crc };
    const data = encrypted ? opened(zip, member, password as Buffer) : unpack(zip, member);
    budget.bytes -= data.length;
    yield { name, data };
  }
}

/** Where the central directory starts, by the end record, which stands in the last 64 KiB. */
function directoryOf(zip: Buffer): number {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || end + 22 > zip.length) throw new ZipError('corrupted');
  const at = zip.readUInt32LE(end + 16);
  if (at > end) throw new ZipError('corrupted');
  return at;
}

interface Member {
  /** Where its local header begins. */
  readonly local: number;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
}

function unpack(zip: Buffer, member: Member): Buffer {
  const { encrypted, data } = stored(zip, member);
  if (encrypted) throw new ZipError('encrypted');
  return inflated(data, member);
}

/** Only the CRC tells for certain whether the password was right. */
function opened(zip: Buffer, member: Member, password: Buffer): Buffer {
  const { data } = stored(zip, member);
  if (data.length < CIPHER_HEADER) throw new ZipError('corrupted');
  try {
    const plain = inflated(new ZipCipher(password).decrypt(data).subarray(CIPHER_HEADER), member);
    if (crc32(plain) === member.crc) return plain;
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
  }
  throw new ZipError('encrypted');
}

function stored(zip: Buffer, { local, packed }: Member): { encrypted: boolean; data: Buffer } {
  if (local + 30 > zip.length || zip.readUInt32LE(local) !== 0x04034b50) throw new ZipError('corrupted');
  const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  if (from + packed > zip.length) throw new ZipError('corrupted');
  return { encrypted: (zip.readUInt16LE(local + 6) & 1) !== 0, data: zip.subarray(from, from + packed) };
}

function inflated(data: Buffer, { method, size }: Member): Buffer {
  if (method === 0) return data;
  if (method !== 8) throw new ZipError('corrupted');
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw new ZipError((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'bomb' : 'corrupted');
  }
}
