import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../domain/errors.ts';
import { type Received, slotOf } from '../domain/intake.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { FoundPage, IntakePages } from '../ledger/intake-pages.ts';
import type { EventsSignal, OnAccessStart } from '../workflows/messages.ts';
import type { Log } from './log.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 30_000;
/** A page may be on its way to its workflow for so long, in milliseconds. */
const AGE_MS = 30_000;
/** Each look goes through the hours of the last two of these; every twentieth through all that are kept. */
const HOUR_MS = 3_600_000;
const WHOLE_EVERY = 20;
/** Pages are kept for so long, in milliseconds, and longer while events of them wait. */
const KEPT_MS = 48 * HOUR_MS;

export interface IntakeLoopOptions {
  readonly pages: IntakePages;
  /** What the workflow of a source and shard got; undefined when there never was one. Rejects when it does not answer. */
  readonly received: (source: string, shard: number) => Promise<Received | undefined>;
  /** How the events of a source are scanned now; undefined for one that is no longer configured. */
  readonly start: (source: string, shard: number) => Promise<OnAccessStart | undefined>;
  readonly handOver: (signal: EventsSignal) => Promise<void>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly everyMs?: number;
  readonly ageMs?: number;
  readonly now?: () => number;
}

/**
 * Finds intake pages that were written and never handed over, because whoever wrote them died in between, and hands them over; removes what is
 * two days old and needed no more. Any number of processes may do so: a page that comes twice is taken once.
 */
export class IntakeLoop {
  readonly #options: IntakeLoopOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #looks = 0;

  constructor(options: IntakeLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look();
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One look. What stands in its way is logged, and left to the next one. */
  async look(): Promise<void> {
    const { pages, log, now = Date.now } = this.#options;
    try {
      const whole = this.#looks++ % WHOLE_EVERY === 0;
      const recent = slotOf(now() - HOUR_MS);
      const old = slotOf(now() - KEPT_MS);
      for (const slot of await pages.slots()) {
        if (this.#stopping.signal.aborted) return;
        if (whole || slot >= recent) await this.#through(slot, slot < old);
      }
    } catch (error) {
      log.warn(`intake pages could not be looked through; it is tried again: ${messageOf(error)}`);
    }
  }

  async #through(slot: string, old: boolean): Promise<void> {
    const { pages, now = Date.now, ageMs = AGE_MS } = this.#options;
    const byOwner = new Map<string, FoundPage[]>();
    for await (const page of pages.list(slot)) {
      if (page.modifiedMs > now() - ageMs) continue;
      const owner = `${page.source}.${page.shard}`;
      const found = byOwner.get(owner);
      if (found === undefined) byOwner.set(owner, [page]);
      else found.push(page);
    }
    for (const found of byOwner.values()) await this.#ofOwner(slot, found, old);
    if (old) await pages.tidy(slot, now() - KEPT_MS);
  }

  async #ofOwner(slot: string, found: readonly FoundPage[], old: boolean): Promise<void> {
    const { pages, received, log } = this.#options;
    const [{ source, shard }] = found as [FoundPage];
    let known: Received | undefined;
    try {
      known = await received(source, shard);
    } catch (error) {
      log.warn({ source, shard }, `its workflow does not say which events it got: ${messageOf(error)}`);
      return;
    }
    if (old) {
      if (known?.oldest !== undefined && known.oldest <= slot) return;
      for (const page of found) await pages.remove(page);
      return;
    }
    const since = Date.parse(known?.since ?? '') || 0;
    const missing = found
      .filter(({ ref, modifiedMs }) => modifiedMs >= since && !isReceived(known, ref.writer, ref.n))
      .sort((a, b) => a.ref.n - b.ref.n);
    let handed = 0;
    for (const page of missing) handed += (await this.#handOver(page)) ? 1 : 0;
    if (handed > 0) log.info({ source, shard, pages: handed }, 'events that had got stuck were handed over');
  }

  /** False for a page of a source that is no longer configured, or one that can't be read. */
  async #handOver({ source, shard, ref }: FoundPage): Promise<boolean> {
    const { pages, start, handOver } = this.#options;
    const how = await start(source, shard);
    if (how === undefined) return false;
    try {
      const lines = await pages.read({ source, shard }, ref);
      await handOver({ start: how, ref, marks: lines.map(({ mark }) => mark) });
      return true;
    } catch (error) {
      if (!isLedgerError(error, 'not_found') && !isLedgerError(error, 'corrupt')) throw error;
      this.#options.log.warn(
        { source, shard, writer: ref.writer, n: ref.n },
        `this intake page is lost: ${error.message}`,
      );
      return false;
    }
  }
}

function isReceived(known: Received | undefined, writer: string, n: number): boolean {
  const spans = known?.writers.find((one) => one.writer === writer)?.spans ?? [];
  return spans.some(([from, to]) => from <= n && n <= to);
}
