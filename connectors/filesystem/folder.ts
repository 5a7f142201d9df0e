import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { systemCode } from '../../domain/errors.ts';
import { fstat, HAS_PROC, lstat } from './calls.ts';
import { joined, pathOf, type Raw } from './names.ts';

/** A folder's name with `/`, any other name as it is: their order is the order of whole locations. */
export type Key = Raw;

/** The way to what is in an open folder: through its descriptor, so that no swapped path leads elsewhere. */
export function insideOf(fd: number, path: Raw): Raw {
  return HAS_PROC ? `/proc/self/fd/${fd}` : path;
}

/** A folder whose own size is above this is read bit by bit: its names come in no order, and as many objects at once are dear. */
const LARGE_FOLDER = 256 * 1024;
/** Names that are sorted in one go. */
const RUN = 8_192;

/**
 * The keys of a folder, in byte order. `size`: that of the folder itself.
 * @throws the system error
 */
export async function readKeys(inside: Raw, size: number): Promise<Key[]> {
  try {
    return await (size > LARGE_FOLDER ? manyKeys(inside) : keysOf(inside));
  } catch (error) {
    // On a file system that tells no types, an entry that goes away while they are looked up fails the whole call.
    if (systemCode(error) !== 'ENOENT') throw error;
    return (await keysOneByOne(inside)).sort();
  }
}

function keysOf(inside: Raw): Promise<Key[]> {
  return new Promise((resolve, reject) => {
    fs.readdir(pathOf(inside), { encoding: 'latin1', withFileTypes: true }, (error, entries) => {
      if (error) reject(error);
      else resolve(entries.map(keyOf).sort());
    });
  });
}

function keyOf(entry: fs.Dirent): Key {
  return entry.isDirectory() ? `${entry.name}/` : entry.name;
}

/** Sorted in runs as they come, and the runs merged with pauses, so that nothing else waits long. */
async function manyKeys(inside: Raw): Promise<Key[]> {
  // The types know no encoding of one character per byte, but the system call takes it.
  const folder = await fs.promises.opendir(pathOf(inside) as string, { encoding: 'latin1', bufferSize: 256 });
  let runs: Key[][] = [];
  let run: Key[] = [];
  for await (const entry of folder) {
    run.push(keyOf(entry));
    if (run.length < RUN) continue;
    runs.push(run.sort());
    run = [];
  }
  runs.push(run.sort());
  while (runs.length > 1) {
    const merged: Key[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(merge(runs[i] as Key[], runs[i + 1] ?? []));
      await setImmediate();
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function merge(a: readonly Key[], b: readonly Key[]): Key[] {
  const merged: Key[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) merged.push((a[i] as Key) <= (b[j] as Key) ? (a[i++] as Key) : (b[j++] as Key));
  while (i < a.length) merged.push(a[i++] as Key);
  while (j < b.length) merged.push(b[j++] as Key);
  return merged;
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
 * Index of the first key that comes after a location, in a folder (raw, empty or ending with `/`). A folder that holds the
 * location is still to be gone on with, so it comes after.
 */
export function firstBehind(keys: readonly Key[], folder: Raw, after: Raw): number {
  if (!after.startsWith(folder)) return after > folder ? keys.length : 0;
  const rest = after.slice(folder.length);
  const slash = rest.indexOf('/');
  if (slash >= 0 && slash < rest.length - 1) {
    const holder = rest.slice(0, slash + 1);
    const index = lowerBound(keys, holder, 0);
    return keys[index] === holder ? index : lowerBound(keys, rest, index);
  }
  const index = lowerBound(keys, rest, 0);
  return keys[index] === rest ? index + 1 : index;
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

/** Milliseconds after the last use. */
const KEPT_FOR = 60_000;
const KEEP = {
  /** Folders with fewer names are read again rather than remembered. */
  names: 20_000,
  /** Milliseconds. A folder that changed just before it was read may change again without its times showing it. */
  settled: 2_500,
};

/**
 * Reads folders, and remembers the names of the last large one for a minute, as long as its times say that no name came or
 * went. So a listing that goes on in many short turns does not read a million names for each.
 */
export class FolderNames {
  readonly #keep: typeof KEEP;
  #kept: { readonly mark: string; readonly keys: readonly Key[] } | undefined;
  #forget: NodeJS.Timeout | undefined;

  constructor(keep: typeof KEEP = KEEP) {
    this.#keep = keep;
  }

  /** The keys of an open folder, in byte order. They are shared: don't change them. @throws the system error */
  async read(fd: number, path: Raw): Promise<readonly Key[]> {
    const facts = await fstat(fd);
    const mark = `${facts.dev}:${facts.ino}:${facts.mtimeNs}:${facts.ctimeNs}`;
    if (this.#kept?.mark === mark) {
      this.#forget?.refresh();
      return this.#kept.keys;
    }
    const age = Date.now() - Number(facts.ctimeMs);
    const keys = await readKeys(insideOf(fd, path), Number(facts.size));
    if (keys.length >= this.#keep.names && age > this.#keep.settled) {
      this.forget();
      this.#kept = { mark, keys };
      this.#forget = setTimeout(() => this.forget(), KEPT_FOR).unref();
    }
    return keys;
  }

  forget(): void {
    clearTimeout(this.#forget);
    this.#kept = undefined;
  }
}
