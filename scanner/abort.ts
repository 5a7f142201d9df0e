/** Told once when a signal aborts. */
export interface Abortable {
  abort(reason: unknown): void;
}

/**
 * One listener per signal for any number of attempts: most share the signal of their page, and a signal's own list of
 * listeners is slow to leave.
 */
const parties = new WeakMap<AbortSignal, Set<Abortable>>();

/** The signal must not have aborted yet. */
export function onAbort(signal: AbortSignal, who: Abortable): void {
  let party = parties.get(signal);
  if (party === undefined) {
    party = new Set();
    parties.set(signal, party);
    const all = party;
    signal.addEventListener(
      'abort',
      () => {
        for (const member of all) member.abort(signal.reason);
        all.clear();
      },
      { once: true },
    );
  }
  party.add(who);
}

export function offAbort(signal: AbortSignal, who: Abortable): void {
  parties.get(signal)?.delete(who);
}
