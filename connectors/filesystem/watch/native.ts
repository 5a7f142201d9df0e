import type { BigIntStats } from 'node:fs';
import type { Raw } from '../names.ts';
import { absolute, isHidden, type Place } from '../place.ts';
import { changedSince, type Source, type SourceDeps, STRETCH, TICK } from './source.ts';
import { type Surveyed, survey } from './survey.ts';
import { drained, onOverflow, WatchedFolders, type WatchFolder, watchFolder } from './system-watch.ts';

interface Walk {
  readonly from: Raw;
  readonly whole: boolean;
  readonly since: number;
  /** A folder that was not watched is new, with all that is in it. False at the start, when none is. */
  readonly unknownIsNew: boolean;
}

/**
 * The system tells which names change. Each folder is watched before it is read, so that nothing falls between; a folder that appears
 * is walked. Where notices may have been dropped a walk finds what changed since the last ones that came for certain.
 */
export class NativeSource implements Source {
  readonly #deps: SourceDeps;
  readonly #folders: WatchedFolders;
  readonly #unlisten: () => void;
  #place!: Place;
  readonly #walks: Walk[] = [];
  #walking: AsyncGenerator<Surveyed, void, undefined> | undefined;
  /** Notices of all that happened before have come. */
  #drained = 0;
  /** Notices may have been dropped from this time on. */
  #missed: number | undefined;

  constructor(deps: SourceDeps, watch: WatchFolder = watchFolder, most?: number) {
    this.#deps = deps;
    this.#folders = new WatchedFolders(watch, (location, appeared) => this.#notice(location, appeared), most);
    this.#unlisten = onOverflow(() => {
      this.#miss();
      deps.wake();
    });
  }

  open(place: Place, since: number): void {
    this.#folders.close();
    this.#walks.length = 0;
    this.#walking = undefined;
    this.#missed = undefined;
    this.#place = place;
    this.#drained = since;
    this.#walks.push({ from: '', whole: false, since, unknownIsNew: false });
  }

  async step(signal: AbortSignal): Promise<number> {
    const until = performance.now() + STRETCH;
    this.#drained = await drained();
    await this.#deps.rootIsThere();
    while (performance.now() < until && !this.#deps.full()) {
      signal.throwIfAborted();
      const walk = this.#walks[0];
      if (walk === undefined) {
        if (this.#missed === undefined) return Number.POSITIVE_INFINITY;
        this.#walks.push({ from: '', whole: false, since: this.#missed, unknownIsNew: true });
        this.#missed = undefined;
        continue;
      }
      this.#walking ??= this.#begin(walk);
      const { value, done } = await this.#walking.next();
      if (value) this.#found(value, walk);
      if (!done) continue;
      this.#walks.shift();
      this.#walking = undefined;
    }
    return this.#deps.full() ? Number.POSITIVE_INFINITY : 0;
  }

  bound(): number {
    let least = Math.min(this.#drained, this.#missed ?? Number.POSITIVE_INFINITY);
    for (const { since } of this.#walks) least = Math.min(least, since);
    return least;
  }

  folder(location: Raw, facts: BigIntStats, bound: number): void {
    const folder = `${location}/`;
    if (this.#place.only !== undefined || isHidden(this.#place, folder) || this.#folders.has(folder, facts.ino)) return;
    this.#folders.drop(folder);
    this.#walks.push({ from: folder, whole: true, since: bound, unknownIsNew: true });
    this.#deps.wake();
  }

  gone(location: Raw): void {
    this.#folders.drop(`${location}/`);
  }

  close(): void {
    this.#unlisten();
    this.#folders.close();
    this.#walking?.return().catch(() => undefined);
    this.#walking = undefined;
  }

  #begin({ from, whole, since, unknownIsNew }: Walk): AsyncGenerator<Surveyed, void, undefined> {
    const place = this.#place;
    return survey(place, {
      from,
      whole,
      since: since - TICK - this.#deps.skew,
      rootIsThere: this.#deps.rootIsThere,
      enter: ({ folder, fd, facts }) => {
        const path = folder === '' ? place.root : absolute(place, folder.slice(0, -1));
        return this.#folders.add(folder, facts.ino, fd, path) && unknownIsNew;
      },
    });
  }

  #found({ files, whole }: Surveyed, { since }: Walk): void {
    for (const { location, facts } of files) {
      if (whole || changedSince(facts, since, this.#deps.skew)) this.#deps.note(location, true, since);
    }
  }

  #notice(location: Raw, appeared: boolean): void {
    const { only } = this.#place;
    if (only !== undefined ? location !== only : isHidden(this.#place, location)) return;
    if (this.#deps.full()) this.#miss();
    else this.#deps.note(location, appeared, this.#drained);
    this.#deps.wake();
  }

  #miss(): void {
    this.#missed ??= this.#drained;
  }
}
