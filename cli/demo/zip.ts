import { crc32, deflateRawSync } from 'node:zlib';
import { ZipCipher } from '../../scanner/standin/zip-cipher.ts';

export interface ZipMember {
  readonly name: string;
  readonly data: Buffer;
  /** Encrypts the member by the classic ZIP cipher. */
  readonly password?: string;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** 1980-01-01, the earliest date of the format, so that equal members give equal bytes. */
const DOS_DATE = 0x0021;

/** A ZIP file of a few small members. */
export function zip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const name = Buffer.from(member.name, 'utf8');
    const crc = crc32(member.data);
    const deflated = deflateRawSync(member.data);
    const body = member.password === undefined ? deflated : encrypt(deflated, member.password, crc);
    const facts = factsOf(member, name, crc, body.length);
    const local = Buffer.concat([uint32(LOCAL), facts, name, body]);
    parts.push(local);
    directory.push(Buffer.concat([uint32(CENTRAL), uint16(20), facts, Buffer.alloc(10), uint32(offset), name]));
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = [uint32(END), uint32(0), uint16(members.length), uint16(members.length)];
  return Buffer.concat([...parts, central, ...end, uint32(central.length), uint32(offset), uint16(0)]);
}

/** What the local header and the directory both say: from "version needed" to the length of the extra field. */
function factsOf(member: ZipMember, name: Buffer, crc: number, stored: number): Buffer {
  const flags = (member.password === undefined ? 0 : 1) | 0x0800;
  return Buffer.concat([
    ...[20, flags, 8, 0, DOS_DATE].map(uint16),
    ...[crc, stored, member.data.length].map(uint32),
    uint16(name.length),
    uint16(0),
  ]);
}

function encrypt(data: Buffer, password: string, crc: number): Buffer {
  const header = Buffer.from('dsx-connect.');
  header[11] = crc >>> 24;
  return new ZipCipher(Buffer.from(password, 'utf8')).encrypt(Buffer.concat([header, data]));
}

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
