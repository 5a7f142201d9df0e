import fs from 'node:fs';
import { systemCode } from '../../domain/errors.ts';
import { HAS_PROC, lstat } from './calls.ts';
import { joined, pathOf, type Raw } from './names.ts';

/** A folder's name with `/`, any other name as it is: their order is the order of whole locations. */
export type Key = Raw;

/** The way to what is in an open folder: through its descriptor, so that no swapped path leads elsewhere. */
export function insideOf(fd: number, path: Raw): Raw {
  return HAS_PROC ? `/proc/self/fd/${fd}` : path;
}

/**
 * The keys of a folder, in byte order. The system's answer is already sorted by name, so that sorting costs little even for
 * a million names.
 * @throws the system error
 */
export async function readKeys(inside: Raw): Promise<Key[]> {
  let keys: Key[];
  try {
    keys = await keysOf(inside);
  } catch (error) {
    // On a file system that tells no types, an entry that goes away while they are looked up fails the whole call.
    if (systemCode(error) !== 'ENOENT') throw error;
    keys = await keysOneByOne(inside);
  }
  return keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function keysOf(inside: Raw): Promise<Key[]> {
  return new Promise((resolve, reject) => {
    fs.readdir(pathOf(inside), { encoding: 'latin1', withFileTypes: true }, (error, entries) => {
      if (error) reject(error);
      else resolve(entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)));
    });
  });
}

async function keysOneByOne(inside: Raw): Promise<Key[]> {
  const names = await fs.promises.readdir(pathOf(inside), { encoding: 'latin1' });
  const keys: Key[] = [];
  for (const name of names) {
    try {
      keys.push((await lstat(joined(inside, name))).isDirectory() ? `${name}/` : name);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') keys.push(name);
    }
  }
  return keys;
}

/**
 * The keys that come after a location, in a folder (raw, empty or ending with `/`). A folder that holds the location is still
 * to be gone on with, so its key stays.
 */
export function keysBehind(keys: Key[], folder: Raw, after: Raw): Key[] {
  if (!after.startsWith(folder)) return after > folder ? [] : keys;
  const rest = after.slice(folder.length);
  if (rest === '') return keys;
  return keys.filter((key) => key > rest || (key.endsWith('/') && rest.length > key.length && rest.startsWith(key)));
}

/** Index of the first key that is not smaller. */
export function lowerBound(keys: readonly Key[], key: Key, from: number): number {
  let low = from;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as Key) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
