import type { Raw } from '../names.ts';

/** Times are rounded up to this, so that many names share one place. Milliseconds. */
const GRAIN = 25;

/** Names by the time when they are due. A name may be in it several times: whoever takes it out knows whether it still counts. */
export class Due {
  readonly #at = new Map<number, Raw[]>();

  add(name: Raw, time: number): void {
    const grain = Math.ceil(time / GRAIN);
    const there = this.#at.get(grain);
    if (there === undefined) this.#at.set(grain, [name]);
    else there.push(name);
  }

  /** Milliseconds until the first is due; 0 when it is. Infinity for none. */
  wait(now: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const grain of this.#at.keys()) first = Math.min(first, grain);
    return Math.max(0, first * GRAIN - now);
  }

  /** Takes out up to `max` names that are due. */
  take(max: number, now: number): Raw[] {
    const taken: Raw[] = [];
    for (const [grain, names] of this.#at) {
      if (grain * GRAIN > now) continue;
      taken.push(...names.splice(0, max - taken.length));
      if (names.length === 0) this.#at.delete(grain);
      if (taken.length >= max) break;
    }
    return taken;
  }
}
