import { createHash } from 'node:crypto';
import { type Item, locationBytes } from '../domain/item.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import type { IndexBody, ObjectRef } from '../ledger/types.ts';

/** Jobs whose items are kept in a worker: those that are being listed anew at the same time are few. */
const KEPT = 2;
/** Slots of an empty table; they double when two of three are taken. A slot has 12 bytes: 10 M items take some 200 MB. */
const FIRST_SLOTS = 1 << 12;

/**
 * Which items a listing gave, by location and version; by size and time where the storage lists no version. Kept as 96 bits of a
 * hash: that two of 10 M items are taken for one has a chance of 1 in 10^15.
 */
export class SeenItems {
  #slots = new Uint32Array(FIRST_SLOTS * 3);
  #count = 0;

  /** True when this version of the location was there before. */
  has(item: Item): boolean {
    return this.#slots[this.#find(this.#slots, markOf(item))] !== 0;
  }

  add(item: Item): void {
    const mark = markOf(item);
    const at = this.#find(this.#slots, mark);
    if (this.#slots[at] !== 0) return;
    this.#slots.set(mark, at);
    this.#count += 1;
    if (this.#count * 3 > (this.#slots.length / 3) * 2) this.#grow();
  }

  /** Where a mark is, or the free slot that it would take. */
  #find(slots: Uint32Array, mark: Uint32Array): number {
    const last = slots.length / 3 - 1;
    for (let slot = (mark[1] as number) & last; ; slot = (slot + 1) & last) {
      const at = slot * 3;
      if (slots[at] === 0) return at;
      if (slots[at] === mark[0] && slots[at + 1] === mark[1] && slots[at + 2] === mark[2]) return at;
    }
  }

  #grow(): void {
    const grown = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += 3) {
      if (this.#slots[at] === 0) continue;
      const mark = this.#slots.subarray(at, at + 3);
      grown.set(mark, this.#find(grown, mark));
    }
    this.#slots = grown;
  }
}

/** Three words, the first of which is never 0: that is a free slot. */
function markOf(item: Item): Uint32Array {
  const { version, size, modified } = item;
  const what = version ?? `${size} ${modified}`;
  const hash = createHash('sha256').update(locationBytes(item)).update('\0').update(what).digest();
  return Uint32Array.of(hash.readUInt32LE(0) | 1, hash.readUInt32LE(4), hash.readUInt32LE(8));
}

/**
 * What the turns of a listing gave, up to one of them. A worker that planned the turns before goes on with what it has; another
 * one reads their pages.
 */
export function createSeenItems(): (ledger: JobLedger, upTo: ObjectRef | undefined) => Promise<SeenItems> {
  const kept = new Map<string, { upTo: string | undefined; seen: SeenItems }>();
  return async (ledger, upTo) => {
    const last = kept.get(ledger.id);
    kept.delete(ledger.id);
    const found = last ?? { upTo: undefined, seen: new SeenItems() };
    const turns = await turnsSince(ledger, upTo, found.upTo);
    // What is kept belongs to a turn that does not count: another one took its place.
    const seen = turns.whole ? found.seen : new SeenItems();
    for (const { pages } of turns.indexes) {
      for (const { object } of pages) for (const item of await ledger.readPage(object)) seen.add(item);
    }
    kept.set(ledger.id, { upTo: upTo?.name, seen });
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
    return seen;
  };
}

/** The turns behind `from`, up to and with `upTo`, oldest first; all of them, and not `whole`, where `from` is none of them. */
async function turnsSince(
  ledger: JobLedger,
  upTo: ObjectRef | undefined,
  from: string | undefined,
): Promise<{ indexes: IndexBody[]; whole: boolean }> {
  const indexes: IndexBody[] = [];
  for (let at = upTo; at !== undefined && at.name !== from; ) {
    const index = await ledger.readIndex(at);
    indexes.unshift(index);
    at = index.after;
    if (at?.name === from) return { indexes, whole: true };
  }
  return { indexes, whole: upTo?.name === from };
}
