import type { IntakeRef } from '../../domain/intake.ts';

/** Pages of one writer and hour with consecutive numbers, `from` to `to`, and how many events they have together. */
export interface LaterSpan {
  readonly slot: string;
  readonly writer: string;
  readonly from: number;
  readonly to: number;
  readonly events: number;
}

/** Pages that came while the book was full: by name alone, so that any number of them takes hardly any room. In the order they came in. */
export class LaterPages {
  #spans: LaterSpan[];

  constructor(spans: readonly LaterSpan[] = []) {
    this.#spans = [...spans];
  }

  /** Events of all of them. What pages had that were read in part of a stretch is counted by its mean. */
  get events(): number {
    return this.#spans.reduce((sum, span) => sum + span.events, 0);
  }

  add({ slot, writer, n }: IntakeRef, events: number): void {
    // Several writers take turns: each one's last stretch is looked for among the newest.
    const at = this.#spans.findLastIndex((span) => span.writer === writer);
    const last = this.#spans[at];
    if (last !== undefined && last.slot === slot && last.to === n - 1) {
      this.#spans[at] = { ...last, to: n, events: last.events + events };
    } else {
      this.#spans.push({ slot, writer, from: n, to: n, events });
    }
  }

  /** The first pages, at most so many, and with no more events than there is room for; one at least, if half of that room is there. */
  first(most: number, room: number): IntakeRef[] {
    const found: IntakeRef[] = [];
    let left = room;
    for (const { slot, writer, from, to, events } of this.#spans) {
      const mean = Math.ceil(events / (to - from + 1));
      for (let n = from; n <= to; n++) {
        left -= mean;
        if (left < 0 || found.length >= most) return found;
        found.push({ slot, writer, n });
      }
    }
    return found;
  }

  /** The first page was read. */
  drop({ slot, writer, n }: IntakeRef): void {
    const at = this.#spans.findIndex((span) => span.slot === slot && span.writer === writer && span.from === n);
    const span = this.#spans[at];
    if (span === undefined) return;
    const pages = span.to - span.from + 1;
    if (pages === 1) this.#spans.splice(at, 1);
    else this.#spans[at] = { ...span, from: n + 1, events: Math.max(1, span.events - Math.round(span.events / pages)) };
  }

  slots(): string[] {
    return this.#spans.map(({ slot }) => slot);
  }

  clear(): void {
    this.#spans = [];
  }

  all(): LaterSpan[] {
    return [...this.#spans];
  }
}
