import { type IntakeRef, slotOf } from '../domain/intake.ts';
import type { IntakeLine, IntakePages } from '../ledger/intake-pages.ts';
import type { EventsSignal } from '../workflows/messages.ts';
import type { OnAccessTarget } from './gatherer.ts';
import type { Placed } from './intake.ts';

/** Events are gathered for so long, in milliseconds, or until a page is full. */
const GATHER_MS = 50;
const PAGE_EVENTS = 200;
/** Pages on their way to the ledger and the workflow at once. */
const PAGES_AT_ONCE = 4;

export interface LaneDeps {
  readonly writer: string;
  readonly shard: number;
  readonly pages: () => Promise<IntakePages>;
  readonly handOver: (signal: EventsSignal) => Promise<void>;
  readonly target: () => OnAccessTarget;
}

interface Waiting {
  readonly lines: readonly IntakeLine[];
  /** Lines on no page yet are those from here on. */
  next: number;
  /** Lines that are handed over. */
  done: number;
  readonly placed: Placed;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The way of the events of one connector and shard: gathered, written down, handed over. */
export class Lane {
  readonly #deps: LaneDeps;
  #queue: Waiting[] = [];
  #lines = 0;
  #pages = 0;
  #timer: NodeJS.Timeout | undefined;
  #flying = new Set<Promise<void>>();
  #due = false;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
  }

  /** Resolves when all lines are written down and handed over. Rejects with what stood in the way: some may be handed over then. */
  add(lines: readonly IntakeLine[], placed: Placed): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ lines, next: 0, done: 0, placed, resolve, reject });
      this.#lines += lines.length;
      this.#timer ??= setTimeout(() => this.#elapsed(), GATHER_MS);
      this.#send();
    });
  }

  /** Waits until nothing is on its way. */
  async settle(): Promise<void> {
    while (this.#lines > 0 || this.#flying.size > 0) {
      this.#due = true;
      this.#send();
      await Promise.all(this.#flying);
    }
    clearTimeout(this.#timer);
  }

  #elapsed(): void {
    this.#timer = undefined;
    this.#due = true;
    this.#send();
  }

  /** Sends what is due as far as there is room; what is left goes when a page has come through. */
  #send(): void {
    while (this.#flying.size < PAGES_AT_ONCE && (this.#lines >= PAGE_EVENTS || (this.#due && this.#lines > 0))) {
      const flight = this.#page().finally(() => {
        this.#flying.delete(flight);
        this.#send();
      });
      this.#flying.add(flight);
    }
    if (this.#lines === 0) this.#due = false;
  }

  /** Takes one page and brings it through. Never rejects: whoever waits for its lines is told. */
  async #page(): Promise<void> {
    const { parts, lines } = this.#takeLines();
    try {
      const ref = await this.#bring(lines);
      let line = 0;
      for (const { from, at, count } of parts) {
        for (let i = 0; i < count; i++) from.placed(at + i, ref, line++);
        from.done += count;
        if (from.done === from.lines.length) from.resolve();
      }
    } catch (error) {
      for (const { from } of parts) from.reject(error);
    }
  }

  #takeLines(): { parts: { from: Waiting; at: number; count: number }[]; lines: IntakeLine[] } {
    const parts: { from: Waiting; at: number; count: number }[] = [];
    const lines: IntakeLine[] = [];
    while (lines.length < PAGE_EVENTS) {
      const from = this.#queue[0];
      if (from === undefined) break;
      const taken = from.lines.slice(from.next, from.next + PAGE_EVENTS - lines.length);
      lines.push(...taken);
      parts.push({ from, at: from.next, count: taken.length });
      from.next += taken.length;
      if (from.next >= from.lines.length) this.#queue.shift();
    }
    this.#lines -= lines.length;
    return { parts, lines };
  }

  async #bring(lines: readonly IntakeLine[]): Promise<IntakeRef> {
    const { writer, shard, handOver, target } = this.#deps;
    const now = Date.now();
    const ref: IntakeRef = { slot: slotOf(now), writer, n: ++this.#pages };
    const { source, settings, site, bounds } = target();
    const pages = await this.#deps.pages();
    await pages.write({ source: source.id, shard }, ref, lines);
    await handOver({
      start: { source, shard, settings, ...(site !== undefined && { site }), ...(bounds !== undefined && { bounds }) },
      ref,
      marks: lines.map(({ mark }) => mark),
      ...lagOf(lines, now),
    });
    return ref;
  }
}

/** From the newest event's time at its storage to now; nothing where no time is to be had. */
function lagOf(lines: readonly IntakeLine[], now: number): { lagMs?: number } {
  const times = lines.map(({ event }) => Date.parse(event.at)).filter((at) => !Number.isNaN(at));
  if (times.length === 0) return {};
  return { lagMs: Math.max(0, now - times.reduce((newest, at) => Math.max(newest, at), 0)) };
}
