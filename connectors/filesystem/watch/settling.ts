import type { BigIntStats } from 'node:fs';
import type { ConnectorError } from '../../errors.ts';
import { breaks, type Seen, see } from '../entry.ts';
import { folderOf, nameOf, type Raw } from '../names.ts';
import { absolute, type Place } from '../place.ts';
import { Due } from './due.ts';
import { judge, PATIENCE, type SettleRules, type Waiting } from './settle.ts';

/** So many names wait at once, some 300 bytes each; what walks find comes on top, some dozens. What is noticed beyond is found by another walk. */
export const MOST_WAITING = 100_000;
/** Files looked at together. */
const TOGETHER = 64;
/** The private name of an item that is being moved into quarantine is ours for so long; what still has it then is an item. Milliseconds. */
const PRIVATE = 600_000;
const PRIVATE_NAME = /^\.dsx-[0-9a-f]+\.moving$/;

/** What a look at names that were noticed comes to. */
export interface Noticed {
  /** A folder is there: what lies in it is to be found. `bound` is that of the notice. */
  folder(location: Raw, facts: BigIntStats, bound: number): void;
  gone(location: Raw): void;
}

interface Entry extends Waiting {
  due: number;
  /** Everything about it that happened before this time has been handed over. Milliseconds since 1970. */
  bound: number;
  first: number;
  appeared: boolean;
  /** It was noticed again since the last look at it began. */
  noted: boolean;
  seen?: { size: bigint; mtimeNs: bigint; since: number };
}

export interface SettledFile {
  readonly location: Raw;
  readonly facts: BigIntStats;
}

/** Files that were noticed, until they stand still. */
export class Settling {
  readonly #rules: SettleRules;
  readonly #noticed: Noticed;
  readonly #entries = new Map<Raw, Entry>();
  readonly #due = new Due();

  constructor(rules: SettleRules, noticed: Noticed) {
    this.#rules = rules;
    this.#noticed = noticed;
  }

  get full(): boolean {
    return this.#entries.size >= MOST_WAITING;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What happened before this time has been given. Infinity when nothing waits. */
  bound(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { bound } of this.#entries.values()) least = Math.min(least, bound);
    return least;
  }

  /** Milliseconds until there is something to look at. */
  wait(): number {
    return this.#due.wait(performance.now());
  }

  /**
   * Takes notice of a name.
   * @param appeared whether the name itself is new
   * @param bound nothing that happened to it before this time is unknown (milliseconds since 1970)
   */
  note(location: Raw, appeared: boolean, bound: number): void {
    const there = this.#entries.get(location);
    if (there !== undefined) {
      if (appeared) there.appeared = true;
      if (bound < there.bound) there.bound = bound;
      there.noted = true;
      return;
    }
    const now = performance.now();
    this.#entries.set(location, { first: now, appeared, bound, due: now, noted: false });
    this.#due.add(location, now);
  }

  /**
   * Looks at what is due, and gives what stands still, `max` at most.
   * @param rootIsThere throws when the asset is away: then nothing in it is taken for gone
   * @param later bound of what is given although it goes on changing
   * @throws ConnectorError; then all is as before, and what was found by then has been given
   */
  async look(place: Place, max: number, rootIsThere: () => Promise<void>, later: number): Promise<SettledFile[]> {
    const settled: SettledFile[] = [];
    while (settled.length < max) {
      const names = this.#due.take(Math.min(TOGETHER, max - settled.length), performance.now());
      if (names.length === 0) break;
      const locations = names.filter((name) => this.#isDue(name));
      try {
        const seen = await Promise.all(locations.map((location) => lookAt(place, location)));
        const broken = seen.map(faultOf).find((fault) => fault !== undefined && breaks(fault));
        if (broken) throw broken;
        if (seen.some(({ what }) => what === 'gone')) await rootIsThere();
        for (const one of seen) this.#take(one, settled, later);
      } catch (error) {
        for (const location of locations) this.#due.add(location, performance.now());
        if (settled.length > 0) return settled;
        throw error;
      }
    }
    return settled;
  }

  /** A name that has come up before its time is in another place of `#due`. */
  #isDue(name: Raw): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.due > performance.now()) return false;
    entry.noted = false;
    return true;
  }

  #take(seen: Seen, settled: SettledFile[], later: number): void {
    const { location, facts } = seen;
    const entry = this.#entries.get(location);
    if (entry === undefined) return;
    if (facts?.isFile()) {
      if (this.#isStill(entry, location, facts, settled, later)) this.#done(location, entry);
      else this.#due.add(location, entry.due);
      return;
    }
    if (seen.what === 'fault' && performance.now() < entry.first + PATIENCE * this.#rules.settle) {
      entry.due = performance.now() + this.#rules.settle;
      this.#due.add(location, entry.due);
      return;
    }
    this.#done(location, entry);
    if (seen.what === 'gone') this.#noticed.gone(location);
    else if (facts?.isDirectory()) this.#noticed.folder(location, facts, entry.bound);
  }

  /** Gives a file that stands still, or has been waited for long enough. False when it is to be looked at again. */
  #isStill(entry: Entry, location: Raw, facts: BigIntStats, settled: SettledFile[], later: number): boolean {
    const now = performance.now();
    const judged = this.#judge(entry, location, facts, now);
    if (judged.give) settled.push({ location, facts });
    if (judged.give && judged.still) return true;
    if (judged.give) {
      Object.assign(entry, { first: now, bound: later, due: now + this.#rules.settle, seen: undefined });
    } else {
      entry.seen = { size: facts.size, mtimeNs: facts.mtimeNs, since: judged.since };
      entry.due = judged.again;
    }
    return false;
  }

  /** What was noticed while it was looked at may have come after the look. */
  #done(location: Raw, { noted, bound }: Entry): void {
    this.#entries.delete(location);
    if (noted) this.note(location, false, bound);
  }

  #judge(entry: Entry, location: Raw, facts: BigIntStats, now: number): ReturnType<typeof judge> {
    const ours = entry.first + PRIVATE;
    if (now < ours && PRIVATE_NAME.test(nameOf(location))) return { give: false, again: ours, since: now };
    return judge(entry, facts, now, Date.now(), this.#rules);
  }
}

function lookAt(place: Place, location: Raw): Promise<Seen> {
  return see(folderOf(absolute(place, location)), nameOf(location), location);
}

function faultOf(seen: Seen): ConnectorError | undefined {
  return seen.what === 'fault' ? seen.error : undefined;
}
