import { QUIET_MS, SILENCE_MS } from '../../domain/remote.ts';
import type { AllPushed, PushedListing } from '../messages.ts';

/** What is known of a listing that is pushed. Carried over continue-as-new. */
export interface ListeningState {
  /** The connector was asked. */
  readonly asked: boolean;
  /** When something came last, or the listening began: milliseconds since 1970. */
  readonly lastMs: number;
  /** The connector said that all is pushed. */
  readonly all: boolean;
  /** How many items it says it pushed. */
  readonly total?: number;
  /** It began anew in the middle. */
  readonly restarted: boolean;
  /** As whoever asked wants it. */
  readonly quietMs?: number;
}

/** Why a listing was not whole, as the job tells it. */
export interface Broken {
  readonly code: string;
  readonly message: string;
}

/** When a listing that is pushed has ended, and whether it was whole. Plain and deterministic. */
export class Listening {
  readonly #pushed: PushedListing;
  #state: ListeningState;

  constructor(pushed: PushedListing, nowMs: number, state?: ListeningState) {
    this.#pushed = pushed;
    // Who takes what is left over waits for nobody's word.
    this.#state = state ?? { asked: !pushed.ask, lastMs: nowMs, all: !pushed.ask, restarted: false };
  }

  get state(): ListeningState {
    return this.#state;
  }

  get mustAsk(): boolean {
    return !this.#state.asked;
  }

  /** Somebody wants all of it: a listing that only took what was left over begins. */
  ask({ quietMs }: PushedListing): void {
    const { lastMs } = this.#state;
    this.#state = { asked: false, lastMs, all: false, restarted: false, ...(quietMs !== undefined && { quietMs }) };
  }

  asked(nowMs: number): void {
    this.#state = { ...this.#state, asked: true, lastMs: nowMs };
  }

  heard(nowMs: number): void {
    this.#state = { ...this.#state, lastMs: nowMs };
  }

  /** A count that can be none is not believed; the word that all is pushed is. */
  allPushed({ total }: Pick<AllPushed, 'total'>, nowMs: number): void {
    const known = total !== undefined && Number.isSafeInteger(total) && total >= 0 ? { total } : {};
    this.#state = { ...this.#state, lastMs: nowMs, all: true, ...known };
  }

  /** The process that listed is gone, and with it what it had not pushed. */
  restarted(nowMs: number): void {
    if (!this.#state.asked || this.#state.all) return;
    this.#state = { ...this.#state, lastMs: nowMs, restarted: true };
  }

  /** When nothing more is waited for, in milliseconds since 1970, unless something comes before. */
  get endsAtMs(): number {
    const { quietMs = QUIET_MS, silenceMs = SILENCE_MS } = this.#pushed;
    const { all, restarted, lastMs } = this.#state;
    return lastMs + (all || restarted ? (this.#state.quietMs ?? quietMs) : silenceMs);
  }

  /** What was not whole; undefined when nothing is known to be missing. @param received items that came, repeats among them */
  broken(received: number): Broken | undefined {
    const { all, restarted, total } = this.#state;
    if (restarted) {
      return { code: 'connector_restarted', message: `the connector began anew after ${received} items were pushed` };
    }
    if (!all) {
      return { code: 'connector_silent', message: `the connector fell silent after ${received} items were pushed` };
    }
    if (total !== undefined && total > received) {
      return { code: 'items_missing', message: `the connector says that it pushed ${total} items; ${received} came` };
    }
    return undefined;
  }
}
