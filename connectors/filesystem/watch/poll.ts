import type { Raw } from '../names.ts';
import type { Place } from '../place.ts';
import { FolderMemory, includes, markOf } from './memory.ts';
import { changedSince, type Source, type SourceDeps, STRETCH, TICK } from './source.ts';
import { type Surveyed, survey } from './survey.ts';

/**
 * Walks the asset again and again, for shares whose changes the system does not tell of, and compares what it meets with what the walk
 * before met. The first walk of a process has nothing to compare with, and goes by the times of the last change.
 */
export class PollSource implements Source {
  readonly #deps: SourceDeps;
  /** Milliseconds from the start of a walk to that of the next. */
  readonly #interval: number;
  readonly #most: number | undefined;
  #memory: FolderMemory;
  #place!: Place;
  #walking: AsyncGenerator<Surveyed, void, undefined> | undefined;
  #round = 0;
  /** When the walk under way began; what changed before the last whole walk began has been noticed. Milliseconds since 1970. */
  #began = 0;
  #since = 0;
  /** Of the folder being walked. */
  #folder: Raw = '';
  #marks: number[] = [];

  constructor(deps: SourceDeps, interval: number, most?: number) {
    this.#deps = deps;
    this.#interval = interval;
    this.#most = most;
    this.#memory = new FolderMemory(most);
  }

  open(place: Place, since: number): void {
    this.#place = place;
    this.#since = since;
    this.#memory = new FolderMemory(this.#most);
    this.#round = 0;
    this.#walking = undefined;
  }

  async step(signal: AbortSignal): Promise<number> {
    const until = performance.now() + STRETCH;
    await this.#deps.rootIsThere();
    if (this.#walking === undefined) {
      const left = this.#round === 0 ? 0 : this.#began + this.#interval - Date.now();
      if (left > 0) return Math.min(left, this.#interval);
      this.#begin();
    }
    while (this.#walking !== undefined && performance.now() < until && !this.#deps.full()) {
      signal.throwIfAborted();
      const { value, done } = await this.#walking.next();
      if (value) this.#compare(value);
      if (!done) continue;
      this.#walking = undefined;
      this.#memory.sweep(this.#round);
      this.#since = this.#began;
    }
    return this.#deps.full() ? Number.POSITIVE_INFINITY : 0;
  }

  bound(): number {
    return this.#since;
  }

  /** The walk meets folders by itself. */
  folder(): void {}

  gone(): void {}

  close(): void {
    this.#walking?.return().catch(() => undefined);
    this.#walking = undefined;
  }

  #begin(): void {
    this.#round += 1;
    this.#began = Date.now();
    this.#marks = [];
    this.#walking = survey(this.#place, {
      from: '',
      whole: false,
      since: this.#since - TICK - this.#deps.skew,
      rootIsThere: this.#deps.rootIsThere,
      enter: ({ folder }) => this.#round > 1 && this.#memory.get(folder) === undefined,
    });
  }

  #compare({ folder, files, whole, end }: Surveyed): void {
    // A folder that could not be read to its end is left out.
    if (folder !== this.#folder) this.#marks = [];
    this.#folder = folder;
    const known = this.#memory.get(folder)?.marks;
    for (const { location, facts } of files) {
      const mark = markOf(location, facts);
      this.#marks.push(mark);
      if (known ? !includes(known, mark) : whole || changedSince(facts, this.#since, this.#deps.skew)) {
        this.#deps.note(location, true, this.#since);
      }
    }
    if (!end) return;
    this.#memory.put(folder, Float64Array.from(this.#marks), this.#round);
    this.#marks = [];
  }
}
