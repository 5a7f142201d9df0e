import { setTimeout as pause } from 'node:timers/promises';
import type { Connector } from '../../connectors/connector.ts';
import { messageOf } from '../../domain/errors.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { Writer } from '../../ledger/types.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { Beat } from '../beat.ts';
import type { Checkpoint } from '../types.ts';
import { waitAtDoor } from './door.ts';
import { MAX_DEATHS, type PageRun } from './page-run.ts';
import { Blocked, closedRow, type ScanItemDeps, scanItem } from './scan-item.ts';

/** Items of one page that are worked on at once, at most. The scanner's limiter decides how many of them are sent. */
const RUNNERS = 24;
const CHECKPOINT_MS = 1_000;
/** A turn takes no new item after this long, and hands the page back. */
const TURN_MS = 60_000;
/** On cancellation, items in hand get so long to finish before they are given back. */
const CANCEL_GRACE_MS = 1_000;
/** After the event loop stood still for this long no item starts before Temporal has confirmed that the page is ours. */
const FROZEN_MS = 3_000;
/** Temporal is asked so often whose the page is. A worker that is cut off from it hears of a takeover in no other way. */
const ASK_MS = 2_500;
/** Without its answer for so long no item starts: half of the time after which another worker takes the page over. */
const SILENCE_MS = 5_000;

/** Why a turn was stopped; `lost`: the page is another attempt's by now. */
export type Stop =
  | { readonly why: 'turn' | 'cancelled' | 'lost' }
  | { readonly why: 'blocked'; code: string; detail: string };

export interface TurnDeps extends Omit<ScanItemDeps, 'now' | 'pause' | 'ready'> {
  readonly ledger: JobLedger;
  readonly writer: Writer;
  readonly connector: Connector;
  readonly scanner: Scanner;
  readonly cancelled: AbortSignal;
}

/** One dispatch of a page: runners that pull items, a checkpoint each second, and the reasons to stop. */
export class PageTurn {
  readonly #run: PageRun;
  readonly #deps: TurnDeps;
  readonly #itemDeps: ScanItemDeps;
  readonly #beat: Beat<Checkpoint>;
  readonly #items = new AbortController();
  readonly #began = performance.now();
  readonly #onCancel = () => this.#cancel();
  #ticker: NodeJS.Timeout | undefined;
  #stop: Stop | undefined;
  #saving: Promise<void> | undefined;
  #door: Promise<boolean> | undefined;
  /** Set while no item may start. */
  #held: PromiseWithResolvers<void> | undefined;
  #asking: Promise<void> | undefined;
  /** When Temporal last said that the page is ours. */
  #heard = Number.NEGATIVE_INFINITY;

  constructor(run: PageRun, deps: TurnDeps) {
    this.#run = run;
    this.#deps = deps;
    this.#itemDeps = {
      ...deps,
      now: () => new Date(),
      pause: (ms, signal) => pause(ms, undefined, { signal }),
      ready: () => this.#ready(),
    };
    this.#beat = new Beat(run.checkpoint());
  }

  /**
   * Works until all items have rows or the turn is stopped; then nothing is in hand, and every row is written down or given
   * up. The page beats on until `end`.
   * @returns why the turn was stopped, or undefined
   */
  async run(): Promise<Stop | undefined> {
    this.#ticker = setInterval(() => this.#tick(), CHECKPOINT_MS);
    // The task may have been handed to a process that was frozen, and to another one since.
    this.#holdBack();
    this.#deps.cancelled.addEventListener('abort', this.#onCancel, { once: true });
    if (this.#deps.cancelled.aborted) this.#cancel();
    await this.#work();
    await this.#saving;
    if (!this.#run.complete) await this.#save().catch((error: unknown) => this.#blockedByLedger(error));
    return this.#stop;
  }

  /** The page no longer beats. */
  async end(): Promise<void> {
    clearInterval(this.#ticker);
    this.#deps.cancelled.removeEventListener('abort', this.#onCancel);
    await this.#saving;
  }

  async #work(): Promise<void> {
    // Suspects first, one at a time; then everything else, many at a time.
    while (this.#run.careful && (await this.#one()));
    const runners = await Promise.allSettled(Array.from({ length: RUNNERS }, () => this.#runner()));
    for (const runner of runners) if (runner.status === 'rejected') throw runner.reason;
  }

  async #runner(): Promise<void> {
    while (await this.#one());
  }

  /** Brings one item to its row. @returns false when there is none left to begin, or the turn was stopped */
  async #one(): Promise<boolean> {
    const held = this.#ready();
    if (held !== undefined) await held;
    if (this.#stop !== undefined) return false;
    const ordinal = this.#run.take();
    if (ordinal === undefined) return false;
    const item = this.#run.items[ordinal];
    if (item === undefined) throw new RangeError(`page ${this.#run.page} has no ordinal ${ordinal}`);
    const deaths = this.#run.deathsOf(ordinal);
    if (deaths >= MAX_DEATHS) {
      const note = `the worker died ${deaths} times while this item alone was in hand`;
      this.#run.put(
        ordinal,
        closedRow(this.#run.page, ordinal, item, { outcome: 'failed', reason: 'crashed', note }, new Date()),
      );
      return true;
    }
    try {
      this.#run.put(ordinal, await scanItem(this.#run.page, ordinal, item, this.#itemDeps, this.#items.signal));
      return true;
    } catch (error) {
      this.#run.giveBack(ordinal);
      if (this.#items.signal.aborted) return false;
      if (!(error instanceof Blocked)) {
        this.#end({ why: 'cancelled' });
        this.#items.abort(error);
        throw error;
      }
      return await this.#wait(error);
    }
  }

  async #wait(blocked: Blocked): Promise<boolean> {
    this.#door ??= waitAtDoor(
      blocked,
      this.#deps.scanner,
      this.#deps.connector,
      this.#deps.fingerprint,
      this.#items.signal,
    ).finally(() => {
      this.#door = undefined;
    });
    if (await this.#door) return true;
    this.#end({ why: 'blocked', code: blocked.code, detail: blocked.message });
    return false;
  }

  #end(stop: Stop): void {
    this.#stop ??= stop;
    if (stop.why !== 'turn') this.#release();
  }

  #cancel(): void {
    const held = this.#held !== undefined;
    this.#end({ why: 'cancelled' });
    const abort = () => this.#items.abort(new Error('the page was cancelled'));
    if (held) abort();
    else setTimeout(abort, CANCEL_GRACE_MS).unref();
  }

  #tick(): void {
    const silent = performance.now() - this.#heard;
    if (this.#beat.gap() > FROZEN_MS || silent > SILENCE_MS) this.#holdBack();
    else if (silent > ASK_MS) this.#ask();
    if (performance.now() - this.#began > TURN_MS) this.#end({ why: 'turn' });
    this.#beat.send();
    this.#saving ??= this.#save()
      .catch((error: unknown) => this.#blockedByLedger(error))
      .finally(() => {
        this.#saving = undefined;
      });
  }

  /**
   * What is to be waited for before an item starts: undefined when nothing is. The first to run after a freeze may be an item,
   * before any timer has noticed.
   */
  #ready(): Promise<void> | undefined {
    if (this.#beat.sinceTick() > FROZEN_MS + CHECKPOINT_MS) this.#holdBack();
    return this.#held?.promise;
  }

  /** No item starts until Temporal says that the page is ours; it is asked again and again. */
  #holdBack(): void {
    if (this.#stop === undefined || this.#stop.why === 'turn') this.#held ??= Promise.withResolvers();
    this.#ask();
  }

  #release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  #ask(): void {
    this.#asking ??= this.#beat.ask().then((whose) => {
      this.#asking = undefined;
      if (whose === 'unknown') return;
      if (whose === 'lost') {
        this.#end({ why: 'lost' });
        this.#items.abort(new Error('the page is another attempt’s by now'));
        return;
      }
      this.#heard = performance.now();
      this.#release();
      if (whose === 'cancelled') this.#cancel();
    });
  }

  /** Writes the rows made since the last part, then beats with a checkpoint that counts them. */
  async #save(): Promise<void> {
    const rows = this.#run.takeUnsaved();
    if (rows.length > 0) {
      try {
        const name = await this.#deps.ledger.writePart(
          this.#run.page,
          this.#run.parts,
          this.#run.part,
          rows.map((r) => r.row),
          this.#deps.writer,
        );
        this.#run.saved(rows, name);
      } catch (error) {
        this.#run.unsaveable(rows);
        throw error;
      }
    }
    this.#beat.send(this.#run.checkpoint());
  }

  #blockedByLedger(error: unknown): void {
    const code = error instanceof LedgerError ? `ledger_${error.code}` : 'internal';
    this.#end({ why: 'blocked', code, detail: messageOf(error) });
    this.#items.abort(error);
  }
}
