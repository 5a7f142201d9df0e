import type { IntakeRef } from '../../domain/intake.ts';

/** Pages of one writer and hour with consecutive numbers, `from` to `to`, and how many events they have together. */
export interface LaterSpan {
  readonly slot: string;
  readonly writer: string;
  readonly from: number;
  readonly to: number;
  readonly events: number;
  /** Pages before them that could not be read: `events` has theirs too. */
  readonly lost?: number;
}

/** Pages that came while the book was full: by name alone, so that any number of them takes hardly any room. In the order they came in. */
export class LaterPages {
  #spans: LaterSpan[];

  constructor(spans: readonly LaterSpan[] = []) {
    this.#spans = [...spans];
  }

  /** Events of all of them. Those of pages that could not be read count until their stretch is used up. */
  get events(): number {
    return this.#spans.reduce((sum, span) => sum + span.events, 0);
  }

  add({ slot, writer, n }: IntakeRef, events: number): void {
    // Several writers take turns: each one's last stretch is looked for among the newest.
    const at = this.#spans.findLastIndex((span) => span.writer === writer);
    const last = this.#spans[at];
    if (last !== undefined && last.slot === slot && last.to === n - 1 && last.lost === undefined) {
      this.#spans[at] = { ...last, to: n, events: last.events + events };
    } else {
      this.#spans.push({ slot, writer, from: n, to: n, events });
    }
  }

  /** The first pages, at most so many, and with no more events than there is room for; one at least, if half of that room is there. */
  first(most: number, room: number): IntakeRef[] {
    const found: IntakeRef[] = [];
    let left = room;
    for (const { slot, writer, from, to, events, lost = 0 } of this.#spans) {
      const mean = Math.ceil(events / (to - from + 1 + lost));
      for (let n = from; n <= to; n++) {
        left -= mean;
        if (left < 0 || found.length >= most) return found;
        found.push({ slot, writer, n });
      }
    }
    return found;
  }

  /**
   * The first page was read.
   * @param events that it had; undefined: it can't be read any more
   * @returns how many events of its stretch are lost, once its last page is read; 0 before
   */
  drop({ slot, writer, n }: IntakeRef, events: number | undefined): number {
    const at = this.#spans.findIndex((span) => span.slot === slot && span.writer === writer && span.from === n);
    const span = this.#spans[at];
    if (span === undefined) return 0;
    const left = span.events - (events ?? 0);
    if (span.from === span.to) {
      this.#spans.splice(at, 1);
      return left;
    }
    const lost = (span.lost ?? 0) + (events === undefined ? 1 : 0);
    this.#spans[at] = { ...span, from: n + 1, events: left, ...(lost > 0 && { lost }) };
    return 0;
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
