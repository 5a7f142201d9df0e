import { Ring, type Seat } from './ring.ts';

/** Told once when a signal aborts. An AbortController is one. */
export interface Abortable {
  abort(reason: unknown): void;
}

/** Those who are to be told of one signal. */
class Party {
  readonly #signal: AbortSignal;
  readonly #members = new Ring<Abortable>();
  readonly #tell = (): void => {
    const { reason } = this.#signal;
    for (let who = this.#members.take(); who !== undefined; who = this.#members.take()) who.abort(reason);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  join(who: Abortable): Seat {
    if (this.#members.isEmpty) this.#signal.addEventListener('abort', this.#tell, { once: true });
    const seat = this.#members.join(who);
    return {
      leave: () => {
        seat.leave();
        // Node keeps a signal that is made of others for as long as anybody listens.
        if (this.#members.isEmpty) this.#signal.removeEventListener('abort', this.#tell);
      },
    };
  }
}

const parties = new WeakMap<AbortSignal, Party>();

/**
 * Until the seat is left, `who` is told when the signal aborts, which it must not have done yet. One listener per signal for any number of
 * members: most share the signal of their page, and a signal's own list is slow to leave, and keeps too much (see `Ring`).
 */
export function onAbort(signal: AbortSignal, who: Abortable): Seat {
  let party = parties.get(signal);
  if (party === undefined) {
    party = new Party(signal);
    parties.set(signal, party);
  }
  return party.join(who);
}

/**
 * Does the work under a signal of its own, which aborts with the given one until the work has ended: whatever the work leaves on its
 * signal goes with it.
 * @throws the signal's reason, or what the work throws
 */
export async function apart<T>(signal: AbortSignal, work: (own: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const seat = onAbort(signal, own);
  try {
    return await work(own.signal);
  } finally {
    seat.leave();
  }
}
