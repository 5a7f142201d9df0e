import { createHash } from 'node:crypto';
import { closeFd, fstat, openFd, pread, READ_FILE } from './calls.ts';
import { nameOf, type Raw } from './names.ts';

/** A side-car holds the tags of one file, beside it. */
export const SIDE_CAR_END = '.dsx-tags.json';
export const SIDE_CAR_FORMAT = 'dsx-connect/tags/1';
/** A larger file is none of ours. */
export const SIDE_CAR_MAX = 16 * 1024;
const NAME_MAX = 255;

/** Letters, digits and the few signs that tags may have in every store: nothing that could be code. */
const TAG_KEY = /^dsx-[a-z0-9-]{1,40}$/;
const TAG_VALUE = /^[A-Za-z0-9 _.:/=+@-]{0,256}$/;
const MAX_TAGS = 32;

export type Tags = Readonly<Record<string, string>>;

export interface SideCar {
  /** SHA-256 of the bytes of the file's name, hex. */
  readonly file: string;
  readonly version: string;
  readonly tags: Tags;
}

/** The name of the side-car of a file: readable while it fits, else hidden and made from a hash of the name. */
export function sideCarName(name: Raw): Raw {
  return name.length + SIDE_CAR_END.length <= NAME_MAX
    ? name + SIDE_CAR_END
    : `.dsx-${hashOfName(name).slice(0, 32)}${SIDE_CAR_END}`;
}

export function hashOfName(name: Raw): string {
  return createHash('sha256').update(name, 'latin1').digest('hex');
}

/** The one way in which a side-car is written. */
export function sideCarBytes(car: SideCar): Buffer {
  const tags = Object.fromEntries(Object.entries(car.tags).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(
    `${JSON.stringify({ format: SIDE_CAR_FORMAT, file: car.file, version: car.version, tags }, null, 1)}\n`,
  );
}

/** A value as a tag can hold it. */
export function tagValue(text: string): string {
  return text.replace(/[^A-Za-z0-9 _.:/=+@-]/g, '_').slice(0, 256);
}

/**
 * The side-car in these bytes, or undefined when they are not exactly what we would have written for the file that the
 * side-car's name stands for: then it is an ordinary file, which is listed and scanned. What passes holds nothing but tags of
 * harmless signs, so that a name alone hides nothing.
 */
export function parseSideCar(bytes: Buffer, name: Raw): SideCar | undefined {
  if (bytes.length > SIDE_CAR_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { file, version, tags } = value as Record<string, unknown>;
  if (typeof file !== 'string' || !/^[0-9a-f]{64}$/.test(file)) return undefined;
  if (typeof version !== 'string' || !/^fs1:[0-9:-]{1,120}$/.test(version)) return undefined;
  if (typeof tags !== 'object' || tags === null) return undefined;
  const pairs = Object.entries(tags);
  const sound = pairs.every(([key, text]) => TAG_KEY.test(key) && typeof text === 'string' && TAG_VALUE.test(text));
  if (!sound || pairs.length > MAX_TAGS) return undefined;
  const car: SideCar = { file, version, tags: tags as Tags };
  return sideCarBytes(car).equals(bytes) && standsFor(name, file) ? car : undefined;
}

function standsFor(name: Raw, file: string): boolean {
  const stem = name.slice(0, -SIDE_CAR_END.length);
  return hashOfName(stem) === file || name === `.dsx-${file.slice(0, 32)}${SIDE_CAR_END}`;
}

/** Reads the side-car at a path. Undefined for anything that is not one of ours. @throws the system error */
export async function readSideCar(path: Raw): Promise<SideCar | undefined> {
  const fd = await openFd(path, READ_FILE);
  try {
    const facts = await fstat(fd);
    if (!facts.isFile() || facts.size > SIDE_CAR_MAX) return undefined;
    const buffer = Buffer.alloc(SIDE_CAR_MAX + 1);
    let length = 0;
    for (;;) {
      const count = await pread(fd, buffer.subarray(length), buffer.length - length, length);
      length += count;
      if (count === 0 || length === buffer.length) break;
    }
    return parseSideCar(buffer.subarray(0, length), nameOf(path));
  } finally {
    closeFd(fd);
  }
}
