import { setTimeout as pause } from 'node:timers/promises';
import type { Connector } from '../../connectors/connector.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Item } from '../../domain/item.ts';
import type { Share } from '../../domain/shares.ts';
import { LEDGER_CODES, LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { Writer } from '../../ledger/types.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { Beat, TICK_MS } from '../beat.ts';
import type { Checkpoint } from '../types.ts';
import { waitAtDoor } from './door.ts';
import { Ownership } from './ownership.ts';
import { Pace } from './pace.ts';
import { MAX_DEATHS, type PageRun } from './page-run.ts';
import { Blocked, closedRow, type ScanItemDeps, scanItem, Withheld } from './scan-item.ts';
import { solitude } from './solitude.ts';

/** A turn takes no new item after this long, and hands the page back. */
const TURN_MS = 60_000;
/** On cancellation nothing more is sent; what is on its way gets so long to finish before it is given back. */
const CANCEL_GRACE_MS = 1_000;
/** Rows wait so long for a ledger that may be back soon. */
const SAVING_PATIENCE_MS = 10_000;

/** Why a turn was stopped; `lost`: the page is another attempt's by now. */
export type Stop =
  | { readonly why: 'turn' | 'cancelled' | 'lost' }
  | { readonly why: 'blocked'; code: string; detail: string };

export interface TurnDeps extends Omit<ScanItemDeps, 'now' | 'pause' | 'pace' | 'begin' | 'send' | 'ready'> {
  readonly ledger: JobLedger;
  readonly writer: Writer;
  readonly connector: Connector;
  readonly scanner: Scanner;
  readonly cancelled: AbortSignal;
  /** What this page may use of the job's limits. */
  readonly share: Share;
  /** As `WorkerDeps.patienceMs`. */
  readonly patienceMs: number;
}

/** One dispatch of a page: runners that pull items, a checkpoint each second, and the reasons to stop. */
export class PageTurn {
  readonly #run: PageRun;
  readonly #deps: TurnDeps;
  readonly #itemDeps: ScanItemDeps;
  readonly #beat: Beat<Checkpoint>;
  readonly #owned: Ownership;
  readonly #items = new AbortController();
  readonly #begin = new AbortController();
  readonly #send = new AbortController();
  readonly #began = performance.now();
  readonly #onCancel = () => this.#cancel();
  #ticker: NodeJS.Timeout | undefined;
  #stop: Stop | undefined;
  #saving: Promise<void> | undefined;
  /** Since when rows could not be written down, on the clock of `performance`. */
  #unsavedSince: number | undefined;
  #door: Promise<boolean> | undefined;
  #announcing: Promise<void> | undefined;

  constructor(run: PageRun, deps: TurnDeps) {
    this.#run = run;
    this.#deps = deps;
    this.#itemDeps = {
      ...deps,
      pace: Pace.of(deps.share),
      begin: this.#begin.signal,
      send: this.#send.signal,
      now: () => new Date(),
      pause: (ms, signal) => pause(ms, undefined, { signal }),
      ready: () => this.#owned.certain(),
    };
    this.#beat = new Beat(run.checkpoint());
    this.#owned = new Ownership(this.#beat, () => run.checkpoint(), {
      lost: () => this.#lose(),
      cancelled: () => this.#cancel(),
    });
  }

  /**
   * Works until all items have rows or the turn is stopped; then nothing is in hand, and every row is written down or given
   * up. The page beats on until `end`.
   * @returns why the turn was stopped, or undefined
   */
  async run(): Promise<Stop | undefined> {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#deps.cancelled.addEventListener('abort', this.#onCancel, { once: true });
    if (this.#deps.cancelled.aborted) this.#cancel();
    // The task may have waited in a process that stood still, until it was somebody else's.
    this.#owned.hold();
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
    while (this.#run.careful && (await this.#suspect()));
    const runners = await Promise.allSettled(Array.from({ length: this.#deps.share.items }, () => this.#runner()));
    for (const runner of runners) if (runner.status === 'rejected') throw runner.reason;
  }

  async #runner(): Promise<void> {
    while (await this.#one());
  }

  /** True when an item may begin now; waits while that is not certain. */
  async #mayBegin(): Promise<boolean> {
    while (solitude.closed !== undefined) await solitude.closed;
    const wait = this.#owned.certain();
    if (wait !== undefined) await wait;
    return this.#stop === undefined;
  }

  /** Brings one item to its row. @returns false when there is none left to begin, or the turn was stopped */
  async #one(): Promise<boolean> {
    if (this.#run.cautious && (await this.#mayBegin())) await this.#announced();
    if (!(await this.#mayBegin())) return false;
    const ordinal = this.#run.take();
    return ordinal === undefined ? this.#run.mustAnnounce : await this.#bring(ordinal);
  }

  /** Until Temporal knows which items come next, so that a death leaves their names. */
  async #announced(): Promise<void> {
    while (this.#stop === undefined && (this.#announcing !== undefined || this.#run.mustAnnounce)) {
      this.#announcing ??= this.#tellHands().finally(() => {
        this.#announcing = undefined;
      });
      await this.#announcing;
    }
  }

  async #tellHands(): Promise<void> {
    this.#run.announce();
    await this.#owned.tell();
  }

  /** One that was in hand at a death, alone in its page; alone in the whole process once a death spoke against it. */
  async #suspect(): Promise<boolean> {
    if (!(await this.#mayBegin())) return false;
    const ordinal = this.#run.take();
    if (ordinal === undefined) return false;
    const deaths = this.#run.deathsOf(ordinal);
    if (deaths >= MAX_DEATHS) return this.#convict(ordinal, deaths);
    const begin = async (isAlone: boolean): Promise<boolean> => {
      this.#run.crowd(deaths > 0 && !isAlone);
      if (!(await this.#owned.tell())) {
        this.#run.giveBack(ordinal);
        return false;
      }
      const goesOn = await this.#bring(ordinal);
      // The next item to be alone may be the one that kills: this one is no longer in hand then, and Temporal must know.
      if (deaths > 0) await this.#owned.tell();
      return goesOn;
    };
    try {
      return deaths === 0 ? await begin(false) : await solitude.alone(begin);
    } finally {
      this.#run.crowd(false);
    }
  }

  #convict(ordinal: number, deaths: number): boolean {
    const note = `the worker died ${deaths} times while this item alone was in hand`;
    const { page } = this.#run;
    const tail = { outcome: 'failed', reason: 'crashed', note } as const;
    this.#run.put(ordinal, closedRow(page, ordinal, this.#itemAt(ordinal), tail, new Date()));
    return true;
  }

  #itemAt(ordinal: number): Item {
    const item = this.#run.items[ordinal];
    if (item === undefined) throw new RangeError(`page ${this.#run.page} has no ordinal ${ordinal}`);
    return item;
  }

  async #bring(ordinal: number): Promise<boolean> {
    const item = this.#itemAt(ordinal);
    solitude.enter();
    try {
      this.#run.put(ordinal, await scanItem(this.#run.page, ordinal, item, this.#itemDeps, this.#items.signal));
      return true;
    } catch (error) {
      this.#run.giveBack(ordinal);
      if (this.#items.signal.aborted || error instanceof Withheld) return false;
      if (!(error instanceof Blocked)) {
        this.#end({ why: 'cancelled' });
        this.#items.abort(error);
        throw error;
      }
      return this.#wait(error);
    } finally {
      solitude.leave();
    }
  }

  async #wait(blocked: Blocked): Promise<boolean> {
    this.#door ??= waitAtDoor(
      blocked,
      this.#deps.scanner,
      this.#deps.connector,
      this.#deps.fingerprint,
      this.#items.signal,
      this.#deps.patienceMs,
    ).finally(() => {
      this.#door = undefined;
    });
    if (await this.#door) return true;
    this.#end({ why: 'blocked', code: blocked.code, detail: blocked.message });
    this.#giveUpItems('nothing goes on');
    return false;
  }

  /** Items in hand get a moment to finish; then they are given back. */
  #giveUpItems(why: string): void {
    setTimeout(() => this.#items.abort(new Error(why)), CANCEL_GRACE_MS).unref();
  }

  /** Items in hand may hang on a scanner that is known to be gone: then nobody else waits in front of its door. */
  #lookAtDoor(): void {
    const { gate } = this.#deps.scanner.state();
    if (gate === undefined || this.#door !== undefined || this.#stop !== undefined) return;
    void this.#wait(new Blocked('scanner', gate.code, gate.detail));
  }

  #end(stop: Stop): void {
    this.#stop ??= stop;
    // Otherwise what is in hand must not be sent before it is known whose it is.
    if (stop.why === 'cancelled' || stop.why === 'lost') this.#owned.release();
    this.#begin.abort(new Withheld('the page begins nothing more'));
  }

  #cancel(): void {
    this.#end({ why: 'cancelled' });
    this.#send.abort(new Withheld('the page sends nothing more'));
    this.#giveUpItems('the page was cancelled');
  }

  #tick(): void {
    this.#owned.tick();
    this.#lookAtDoor();
    if (performance.now() - this.#began > TURN_MS) this.#end({ why: 'turn' });
    this.#beat.send();
    this.#saving ??= this.#save()
      .catch((error: unknown) => this.#notSaved(error))
      .finally(() => {
        this.#saving = undefined;
      });
  }

  #lose(): void {
    this.#end({ why: 'lost' });
    this.#items.abort(new Error('the page is another attempt’s by now'));
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
        this.#unsavedSince = undefined;
      } catch (error) {
        this.#run.unsaveable(rows);
        throw error;
      }
    }
    this.#beat.send(this.#run.checkpoint());
  }

  /** What may pass is tried again with the next beat, for a while; the rows wait for it. */
  #notSaved(error: unknown): void {
    const mayPass = error instanceof LedgerError && LEDGER_CODES[error.code] === 'retry';
    this.#unsavedSince ??= performance.now();
    if (!mayPass || performance.now() - this.#unsavedSince > SAVING_PATIENCE_MS) this.#blockedByLedger(error);
  }

  #blockedByLedger(error: unknown): void {
    const code = error instanceof LedgerError ? `ledger_${error.code}` : 'internal';
    this.#end({ why: 'blocked', code, detail: messageOf(error) });
    this.#items.abort(error);
  }
}
