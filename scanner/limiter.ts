import { type Abortable, onAbort } from '../domain/abort.ts';
import type { Seat } from '../domain/ring.ts';
import { createPace } from './pace.ts';

/** Items above it take at most half of the slots, and leave a quarter of the bytes to the others. In bytes. */
export const BIG_ITEM = 64 * 2 ** 20;
/** The least share of live items, in slots. */
const LEAST_SHARE = 2;
/** What an item of unknown size counts as, in bytes. */
const UNKNOWN_SIZE = 16 * 2 ** 20;

export interface Grant {
  readonly bytes: number;
  readonly grantedAt: number;
  /** @internal */ readonly charge: number;
  /** @internal */ readonly big: boolean;
  /** @internal */ readonly live: boolean;
  /** @internal */ readonly full: boolean;
}

/** How the use of a slot ended, as far as it tells something about the scanner. */
export type Ending =
  | { readonly kind: 'answered'; readonly waitMs: number }
  | { readonly kind: 'overload'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'nothing' };

export interface Limiter {
  /**
   * A slot at once, or undefined when the caller has to wait its turn. `size` in bytes, undefined if unknown.
   * @param live somebody waits for this very item: it goes ahead, within a share of the slots
   */
  tryAcquire(size: number | undefined, live?: boolean): Grant | undefined;
  /**
   * A slot, first come, first served.
   * @throws the signal's reason, or what `rejectWaiting` was given
   */
  acquire(size: number | undefined, signal: AbortSignal, live?: boolean): Promise<Grant>;
  /** Every grant is released exactly once. */
  release(grant: Grant, ending: Ending): void;
  rejectWaiting(error: unknown): void;
  state(): { limit: number; inFlight: number; bytesInFlight: number; waiting: number };
}

export interface LimiterSettings {
  readonly maxConcurrency: number;
  readonly maxBytesInFlight: number;
  readonly now: () => number;
}

interface Waiter extends Abortable {
  readonly order: number;
  readonly size: number | undefined;
  readonly live: boolean;
  /** Among those who are told when its signal aborts. */
  seat?: Seat;
  readonly resolve: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Slots by items and by bytes in flight. Big items queue apart, so that their half of the slots being taken holds up nobody
 * else; apart from that the older of the two heads goes first, and neither side can starve the other:
 * - bytes are charged as at most the whole budget, for a big item as at most three quarters of it, so that one item above
 *   the budget still runs, alone among the big ones
 * - while an older big item waits for bytes, small ones keep to the last quarter
 * - while an older small item waits for bytes, no big one starts
 *
 * Live items queue apart from both: a quarter of the slots, and two at least, is theirs whenever one of them waits. Beyond that share they take
 * their turn by age, so that they hold nobody up for ever.
 */
export function createLimiter(settings: LimiterSettings): Limiter {
  return new TwoLaneLimiter(settings);
}

class TwoLaneLimiter implements Limiter {
  readonly #now: () => number;
  readonly #pace: ReturnType<typeof createPace>;
  readonly #budget: number;
  readonly #bigBudget: number;
  #inFlight = 0;
  #bigInFlight = 0;
  #liveInFlight = 0;
  #bytes = 0;
  #charged = 0;
  #bigCharged = 0;
  #order = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #small = new Set<Waiter>();
  readonly #big = new Set<Waiter>();
  readonly #live = new Set<Waiter>();

  constructor(settings: LimiterSettings) {
    this.#now = settings.now;
    this.#pace = createPace(settings.maxConcurrency, settings.now);
    this.#budget = settings.maxBytesInFlight;
    this.#bigBudget = Math.ceil(this.#budget * 0.75);
  }

  tryAcquire(size: number | undefined, live = false): Grant | undefined {
    const goesAhead = live && this.#live.size === 0 && this.#liveInFlight < this.#share;
    if (this.#waiting > 0 && !goesAhead) return undefined;
    const at = this.#now();
    if (this.#isPaused(at) || !this.#fits(size, false)) return undefined;
    return this.#grant(size, at, live);
  }

  get #waiting(): number {
    return this.#small.size + this.#big.size + this.#live.size;
  }

  /** Slots that are the live items' own whenever one of them waits. */
  get #share(): number {
    return Math.max(LEAST_SHARE, this.#pace.limit >> 2);
  }

  acquire(size: number | undefined, signal: AbortSignal, live = false): Promise<Grant> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const lane = this.#laneOf({ size, live });
      const waiter: Waiter = {
        order: this.#order++,
        size,
        live,
        resolve,
        reject,
        abort: (reason) => {
          lane.delete(waiter);
          reject(reason);
          this.#pump();
        },
      };
      lane.add(waiter);
      waiter.seat = onAbort(signal, waiter);
      this.#pump();
    });
  }

  release(grant: Grant, ending: Ending): void {
    this.#inFlight -= 1;
    this.#bytes -= grant.bytes;
    this.#charged -= grant.charge;
    if (grant.live) this.#liveInFlight -= 1;
    if (grant.big) {
      this.#bigInFlight -= 1;
      this.#bigCharged -= grant.charge;
    }
    if (ending.kind === 'answered') {
      this.#pace.sample(this.#now(), grant.grantedAt, ending.waitMs, grant.full);
    } else if (ending.kind === 'overload') {
      const at = this.#now();
      this.#pace.overload(at, grant.grantedAt);
      if (ending.retryAfterMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, at + ending.retryAfterMs);
    }
    if (this.#waiting > 0) this.#pump();
  }

  rejectWaiting(error: unknown): void {
    const waiting = [...this.#live, ...this.#small, ...this.#big];
    this.#live.clear();
    this.#small.clear();
    this.#big.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const w of waiting) {
      w.seat?.leave();
      w.reject(error);
    }
  }

  state(): { limit: number; inFlight: number; bytesInFlight: number; waiting: number } {
    return {
      limit: this.#pace.limit,
      inFlight: this.#inFlight,
      bytesInFlight: this.#bytes,
      waiting: this.#waiting,
    };
  }

  #pump(): void {
    const at = this.#now();
    if (this.#isPaused(at)) {
      this.#wakeAt(at);
      return;
    }
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#laneOf(next).delete(next);
      next.seat?.leave();
      next.resolve(this.#grant(next.size, at, next.live));
    }
  }

  #laneOf({ size, live }: Pick<Waiter, 'size' | 'live'>): Set<Waiter> {
    if (live) return this.#live;
    return isBig(size) ? this.#big : this.#small;
  }

  /** Who may go now: a live one within the share, before anybody; beyond it, when none of the others is older. */
  #next(): Waiter | undefined {
    if (this.#inFlight >= this.#pace.limit) return undefined;
    const live = head(this.#live);
    if (live === undefined) return this.#nextOfOthers();
    const fits = this.#fits(live.size, false);
    if (this.#liveInFlight < this.#share) return fits ? live : undefined;
    const others = [head(this.#small), head(this.#big)];
    const isOldest = others.every((other) => other === undefined || live.order < other.order);
    return isOldest && fits ? live : this.#nextOfOthers();
  }

  /** Of the two oldest, the older one if it fits, else the younger one if it takes nothing from it. */
  #nextOfOthers(): Waiter | undefined {
    const small = head(this.#small);
    const big = head(this.#big);
    if (small === undefined || big === undefined) {
      const only = small ?? big;
      return only !== undefined && this.#fits(only.size, false) ? only : undefined;
    }
    if (big.order < small.order) {
      if (this.#fits(big.size, false)) return big;
      return this.#fits(small.size, this.#hasBigSlot()) ? small : undefined;
    }
    return this.#fits(small.size, false) ? small : undefined;
  }

  /** `reserved`: a big item waits for the rest of the bytes. */
  #fits(size: number | undefined, reserved: boolean): boolean {
    if (this.#inFlight >= this.#pace.limit) return false;
    const charge = this.#charge(size);
    if (isBig(size)) {
      return (
        this.#hasBigSlot() && this.#bigCharged + charge <= this.#bigBudget && this.#charged + charge <= this.#budget
      );
    }
    if (reserved && this.#charged - this.#bigCharged + charge > this.#budget - this.#bigBudget) return false;
    return this.#charged + charge <= this.#budget;
  }

  #hasBigSlot(): boolean {
    return this.#bigInFlight < Math.max(1, this.#pace.limit >> 1);
  }

  #charge(size: number | undefined): number {
    return Math.min(size ?? UNKNOWN_SIZE, isBig(size) ? this.#bigBudget : this.#budget);
  }

  #grant(size: number | undefined, at: number, live: boolean): Grant {
    const charge = this.#charge(size);
    const big = isBig(size);
    const bytes = size ?? UNKNOWN_SIZE;
    this.#inFlight += 1;
    this.#bytes += bytes;
    this.#charged += charge;
    if (live) this.#liveInFlight += 1;
    if (big) {
      this.#bigInFlight += 1;
      this.#bigCharged += charge;
    }
    return { bytes, grantedAt: at, charge, big, live, full: this.#inFlight >= this.#pace.limit };
  }

  #isPaused(at: number): boolean {
    return at < this.#pausedUntil;
  }

  #wakeAt(at: number): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#pump();
      },
      Math.ceil(this.#pausedUntil - at),
    );
  }
}

function isBig(size: number | undefined): boolean {
  return size !== undefined && size > BIG_ITEM;
}

function head(lane: ReadonlySet<Waiter>): Waiter | undefined {
  for (const waiter of lane) return waiter;
  return undefined;
}
