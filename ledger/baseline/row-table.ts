import { hash } from 'node:crypto';
import type { Judged } from '../../domain/incremental.ts';
import { type ItemRef, locationBytes } from '../../domain/item.ts';
import type { KnownRow } from './known-row.ts';

/** Slots for each row: a look meets few others on its way. */
const SLOTS_PER_ROW = 1.5;
/** Words of a hash that are kept: 96 bits. */
const WORDS = 3;
const NOTHING = 0xffff_ffff;

/** What a table says of a location: as a KnownRow, but that the version is known by its hash alone. */
export interface HeldRow extends Omit<KnownRow, 'version'> {
  readonly isVersion: (version: string) => boolean;
}

/**
 * The newest row of each location, in some 70 bytes a row. Locations and versions are kept as 96 bits of their SHA-256 each. An item
 * is only taken for unchanged where both agree, 192 bits: two locations that share their bits push one another out, and one of the
 * two is scanned again.
 */
export class RowTable {
  readonly #slots: Uint32Array;
  readonly #locations: Uint32Array;
  readonly #versions: Uint32Array;
  readonly #origins: Uint32Array;
  readonly #ordinals: Uint32Array;
  readonly #facts: Float64Array;
  readonly #judged = new Map<string, number>();
  readonly #pages: (Omit<Judged, 'at'> & { readonly prefix: string })[] = [];
  readonly #capacity: number;
  #rows = 0;

  /** @param capacity rows that will be put at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#slots = new Uint32Array(Math.max(1, Math.ceil(capacity * SLOTS_PER_ROW))).fill(NOTHING);
    this.#locations = new Uint32Array(capacity * WORDS);
    this.#versions = new Uint32Array(capacity * WORDS);
    this.#origins = new Uint32Array(capacity);
    this.#ordinals = new Uint32Array(capacity);
    this.#facts = new Float64Array(capacity * 3);
  }

  /** Locations that it knows. */
  get rows(): number {
    return this.#rows;
  }

  /** Keeps a row, unless it holds a newer one of the same location. */
  put(ref: ItemRef, row: KnownRow): void {
    const words = wordsOf(locationBytes(ref));
    const slot = this.#slotOf(words);
    const there = this.#slots[slot] as number;
    if (there !== NOTHING && !this.#isNewer(row, there)) return;
    const at = there === NOTHING ? this.#rows++ : there;
    if (at >= this.#capacity) throw new RangeError(`more than ${this.#capacity} rows were put`);
    this.#slots[slot] = at;
    this.#locations.set(words, at * WORDS);
    this.#versions.set(wordsOf(row.version ?? ''), at * WORDS);
    this.#facts.set([row.at, row.size, row.modified], at * 3);
    const { judged } = row;
    const colon = judged?.row.lastIndexOf(':') ?? 0;
    this.#origins[at] = judged === undefined ? NOTHING : this.#originOf(judged, judged.row.slice(0, colon + 1));
    this.#ordinals[at] = judged === undefined ? 0 : Number(judged.row.slice(colon + 1));
  }

  get(ref: ItemRef): HeldRow | undefined {
    const at = this.#slots[this.#slotOf(wordsOf(locationBytes(ref)))] as number;
    if (at === NOTHING) return undefined;
    const [judgedMs = 0, size = 0, modified = 0] = this.#facts.subarray(at * 3, at * 3 + 3);
    const origin = this.#pages[this.#origins[at] as number];
    const { prefix = '', ...rest } = origin ?? {};
    return {
      at: judgedMs,
      size,
      modified,
      judged:
        origin === undefined
          ? undefined
          : { ...(rest as Judged), row: `${prefix}${this.#ordinals[at]}`, at: new Date(judgedMs).toISOString() },
      isVersion: (version) => this.#has(this.#versions, at, wordsOf(version)),
    };
  }

  #isNewer(row: KnownRow, there: number): boolean {
    const before = this.#facts[there * 3] as number;
    return row.at > before || (row.at === before && row.judged === undefined);
  }

  #originOf({ at: _, row: __, ...same }: Judged, prefix: string): number {
    const key = JSON.stringify([prefix, same.root, same.policy, same.modelTime, same.standIn]);
    const found = this.#judged.get(key);
    if (found !== undefined) return found;
    this.#pages.push({ ...same, prefix, row: prefix });
    this.#judged.set(key, this.#pages.length - 1);
    return this.#pages.length - 1;
  }

  /** The slot that holds a location, or would. */
  #slotOf(words: Uint32Array): number {
    const { length } = this.#slots;
    for (let slot = (words[0] as number) % length; ; slot = slot + 1 === length ? 0 : slot + 1) {
      const at = this.#slots[slot] as number;
      if (at === NOTHING || this.#has(this.#locations, at, words)) return slot;
    }
  }

  #has(all: Uint32Array, at: number, words: Uint32Array): boolean {
    const first = at * WORDS;
    return all[first] === words[0] && all[first + 1] === words[1] && all[first + 2] === words[2];
  }
}

function wordsOf(value: string | Uint8Array): Uint32Array {
  const digest = hash('sha256', value, 'buffer');
  return new Uint32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 4 * WORDS));
}
