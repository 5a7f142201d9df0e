import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { Raw } from '../names.ts';
import { versionOf } from '../version.ts';

/** Files remembered, 8 bytes each and some 200 more a folder. The folders beyond are looked at by the time of their changes alone. */
export const MOST_REMEMBERED = 10_000_000;

interface Known {
  /** Marks of the folder's files, in order. Undefined where there was no room for them. */
  readonly marks: Float64Array | undefined;
  round: number;
}

/** What the last walk saw of each folder: a mark of 53 bits for each file, made from its name and its version. */
export class FolderMemory {
  readonly #folders = new Map<Raw, Known>();
  readonly #most: number;
  #files = 0;

  constructor(most = MOST_REMEMBERED) {
    this.#most = most;
  }

  /** What is known of a folder: undefined when it was not there. */
  get(folder: Raw): Known | undefined {
    return this.#folders.get(folder);
  }

  /** Keeps what this walk saw of a folder, in place of what the one before saw. */
  put(folder: Raw, marks: Float64Array, round: number): void {
    this.#files -= this.#folders.get(folder)?.marks?.length ?? 0;
    const fits = this.#files + marks.length <= this.#most;
    if (fits) this.#files += marks.length;
    this.#folders.set(folder, { marks: fits ? marks.sort() : undefined, round });
  }

  /** Forgets the folders that a whole walk did not meet. */
  sweep(round: number): void {
    for (const [folder, known] of this.#folders) {
      if (known.round === round) continue;
      this.#files -= known.marks?.length ?? 0;
      this.#folders.delete(folder);
    }
  }
}

export function markOf(location: Raw, facts: BigIntStats): number {
  const digest = createHash('sha1')
    .update(`${location}\0${versionOf(facts)}`, 'latin1')
    .digest();
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] as number) & 31);
}

export function includes(marks: Float64Array, mark: number): boolean {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((marks[middle] as number) < mark) low = middle + 1;
    else high = middle;
  }
  return marks[low] === mark;
}
