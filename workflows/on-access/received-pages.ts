import type { IntakeRef, PageSpan, ReceivedPages } from '../../domain/intake.ts';

/** Writers that are remembered, by the newest page of each: processes come and go. */
const WRITERS = 64;
/** Stretches of one writer that are remembered: more than one only after writes that failed, or hand-overs out of order. */
const SPANS = 32;

interface Writer {
  slot: string;
  spans: PageSpan[];
}

/** Which intake pages came, as stretches of numbers by writer. What was forgotten counts as not come: it comes again, and is repeats. */
export class PagesReceived {
  readonly #writers = new Map<string, Writer>();

  constructor(known: readonly ReceivedPages[] = []) {
    for (const { writer, slot, spans } of known) this.#writers.set(writer, { slot, spans: [...spans] });
  }

  /** False when it came before. */
  add({ slot, writer, n }: IntakeRef): boolean {
    const known = this.#writers.get(writer) ?? { slot, spans: [] };
    if (known.spans.some(([from, to]) => from <= n && n <= to)) return false;
    known.spans = joined(known.spans, n).slice(-SPANS);
    if (slot > known.slot) known.slot = slot;
    this.#writers.delete(writer);
    this.#writers.set(writer, known);
    if (this.#writers.size > WRITERS)
      for (const oldest of [...this.#writers.keys()].slice(0, 1)) this.#writers.delete(oldest);
    return true;
  }

  all(): ReceivedPages[] {
    return [...this.#writers].map(([writer, { slot, spans }]) => ({ writer, slot, spans }));
  }
}

/** The stretches with one number more, in order. */
function joined(spans: readonly PageSpan[], n: number): PageSpan[] {
  const before = spans.filter(([, to]) => to < n - 1);
  const after = spans.filter(([from]) => from > n + 1);
  const touching = spans.filter(([from, to]) => from <= n + 1 && to >= n - 1);
  const from = Math.min(n, ...touching.map((span) => span[0]));
  const to = Math.max(n, ...touching.map((span) => span[1]));
  return [...before, [from, to], ...after];
}
