import { setTimeout as pause } from 'node:timers/promises';
import type { Beat } from '../beat.ts';
import type { Checkpoint } from '../types.ts';

/** Temporal is asked so often whose the page is. A worker that is cut off from it hears of a takeover in no other way. Milliseconds. */
const ASK_MS = 2_500;
/** Without its answer for so long no item starts: half of the time after which another worker takes the page over. Milliseconds. */
const SILENCE_MS = 5_000;
const AGAIN_MS = 1_000;

/** What becomes of a page that is to be ended here. */
export interface Owners {
  /** It is another attempt's by now. */
  lost(): void;
  /** It is ours, and to be handed back. */
  cancelled(): void;
}

/** Whose a page is: nothing begins while that is not certain, after a freeze and when Temporal is not heard of. */
export class Ownership {
  readonly #beat: Beat<Checkpoint>;
  readonly #checkpoint: () => Checkpoint;
  readonly #owners: Owners;
  /** Set while no item may start. */
  #held: PromiseWithResolvers<void> | undefined;
  #asking: Promise<void> | undefined;
  /** When Temporal last said that the page is ours. */
  #heard = performance.now();
  #over = false;

  /** @param checkpoint what Temporal is told with each question */
  constructor(beat: Beat<Checkpoint>, checkpoint: () => Checkpoint, owners: Owners) {
    this.#beat = beat;
    this.#checkpoint = checkpoint;
    this.#owners = owners;
  }

  /**
   * What to wait for before an item starts; undefined while there is no doubt. The first to run after a freeze may be an item,
   * before any timer has noticed.
   */
  certain(): Promise<void> | undefined {
    if (this.#beat.frozen) this.hold();
    return this.#held?.promise;
  }

  /** Call once a second. */
  tick(): void {
    const silent = performance.now() - this.#heard;
    if (this.#beat.frozen || silent > SILENCE_MS) this.hold();
    else {
      this.#beat.tick();
      if (silent > ASK_MS || this.#held !== undefined) this.#ask();
    }
  }

  /** No item starts until Temporal says that the page is ours; each tick asks again. */
  hold(): void {
    if (!this.#over) this.#held ??= Promise.withResolvers();
    this.#ask();
  }

  /** Whoever waits need not wait any more: the page begins nothing. */
  release(): void {
    this.#over = true;
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Until Temporal knows the checkpoint as it is now. @returns false when the page is not ours to work on any more */
  async tell(): Promise<boolean> {
    while (!this.#over) {
      const whose = await this.#beat.ask(this.#checkpoint());
      if (whose !== 'unknown') return this.#told(whose);
      await pause(AGAIN_MS);
    }
    return false;
  }

  #ask(): void {
    this.#asking ??= this.#beat.ask(this.#checkpoint()).then((whose) => {
      this.#asking = undefined;
      if (whose !== 'unknown') this.#told(whose);
    });
  }

  #told(whose: 'ours' | 'cancelled' | 'lost'): boolean {
    if (whose === 'lost') this.#owners.lost();
    else {
      this.#heard = performance.now();
      this.#beat.tick();
      if (whose === 'cancelled') this.#owners.cancelled();
      else {
        this.#held?.resolve();
        this.#held = undefined;
      }
    }
    return whose === 'ours';
  }
}
