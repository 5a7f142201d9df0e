import type { Version } from '../../../domain/item.ts';
import type { Raw } from '../names.ts';

/** The versions given last, some 250 bytes each: what is noticed twice is given once. */
export class Recent {
  readonly #most: number;
  readonly #versions = new Map<Raw, Version>();

  constructor(most = 20_000) {
    this.#most = most;
  }

  /** False when this version of it was the last one given. */
  add(location: Raw, version: Version): boolean {
    if (this.#versions.get(location) === version) return false;
    this.#versions.delete(location);
    this.#versions.set(location, version);
    if (this.#versions.size > this.#most) this.#versions.delete(this.#versions.keys().next().value as Raw);
    return true;
  }
}
