import type { ActionRow } from '../domain/action.ts';
import { parseItem } from './names.ts';

/**
 * Which action segment names which findings, in the order of the commits: 4 bytes a finding, so that neither paging nor
 * verifying needs the rows themselves in memory.
 */
export class ActionIndex {
  /** By page: the segments that name its findings, with the ordinals in ascending order. */
  readonly #pages = new Map<string, { segment: number; ordinals: Uint32Array }[]>();
  #segments = 0;

  /** Segments added so far. */
  get size(): number {
    return this.#segments;
  }

  /** Adds the next segment. Rows whose `item` is no item id are left out. */
  add(rows: Iterable<Pick<ActionRow, 'item'>>): void {
    const segment = this.#segments++;
    const found = new Map<string, number[]>();
    for (const { item } of rows) {
      const at = typeof item === 'string' ? parseItem(item) : undefined;
      if (at === undefined) continue;
      const ordinals = found.get(at.page);
      if (ordinals === undefined) found.set(at.page, [at.ordinal]);
      else ordinals.push(at.ordinal);
    }
    for (const [page, ordinals] of found) {
      const entry = { segment, ordinals: Uint32Array.from(ordinals).sort() };
      const before = this.#pages.get(page);
      if (before === undefined) this.#pages.set(page, [entry]);
      else before.push(entry);
    }
  }

  pages(): Iterable<string> {
    return this.#pages.keys();
  }

  /** Numbers (0-based) of the segments that name findings of a page, in order. */
  segmentsOf(page: string): number[] {
    return (this.#pages.get(page) ?? []).map((entry) => entry.segment);
  }

  /** True when no later segment names the finding: this one tells its state. */
  isLast(segment: number, page: string, ordinal: number): boolean {
    for (const entry of this.#pages.get(page) ?? []) {
      if (entry.segment > segment && has(entry.ordinals, ordinal)) return false;
    }
    return true;
  }
}

function has(sorted: Uint32Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
