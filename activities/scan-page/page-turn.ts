import { setTimeout as pause } from 'node:timers/promises';
import type { Connector } from '../../connectors/connector.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Share } from '../../domain/shares.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { Writer } from '../../ledger/types.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { Beat } from '../beat.ts';
import type { Checkpoint } from '../types.ts';
import { waitAtDoor } from './door.ts';
import { Pace } from './pace.ts';
import { MAX_DEATHS, type PageRun } from './page-run.ts';
import { Blocked, closedRow, type ScanItemDeps, scanItem, Withheld } from './scan-item.ts';

const CHECKPOINT_MS = 1_000;
/** A turn takes no new item after this long, and hands the page back. */
const TURN_MS = 60_000;
/** On cancellation nothing more is sent; what is on its way gets so long to finish before it is given back. */
const CANCEL_GRACE_MS = 1_000;
/** After the event loop stood still for this long no item starts before Temporal has confirmed that the page is ours. */
const FROZEN_MS = 3_000;

/** Why a turn was stopped; `lost`: the page is another attempt's by now. */
export type Stop =
  | { readonly why: 'turn' | 'cancelled' | 'lost' }
  | { readonly why: 'blocked'; code: string; detail: string };

export interface TurnDeps extends Omit<ScanItemDeps, 'now' | 'pause' | 'pace' | 'begin' | 'send'> {
  readonly ledger: JobLedger;
  readonly writer: Writer;
  readonly connector: Connector;
  readonly scanner: Scanner;
  readonly cancelled: AbortSignal;
  /** What this page may use of the job's limits. */
  readonly share: Share;
}

/** One dispatch of a page: runners that pull items, a checkpoint each second, and the reasons to stop. */
export class PageTurn {
  readonly #run: PageRun;
  readonly #deps: TurnDeps;
  readonly #itemDeps: ScanItemDeps;
  readonly #beat: Beat<Checkpoint>;
  readonly #items = new AbortController();
  readonly #begin = new AbortController();
  readonly #send = new AbortController();
  readonly #began = performance.now();
  readonly #onCancel = () => this.#cancel();
  #ticker: NodeJS.Timeout | undefined;
  #stop: Stop | undefined;
  #saving: Promise<void> | undefined;
  #door: Promise<boolean> | undefined;
  #frozen: Promise<void> | undefined;

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
    const runners = await Promise.allSettled(Array.from({ length: this.#deps.share.items }, () => this.#runner()));
    for (const runner of runners) if (runner.status === 'rejected') throw runner.reason;
  }

  async #runner(): Promise<void> {
    while (await this.#one());
  }

  /** Brings one item to its row. @returns false when there is none left to begin, or the turn was stopped */
  async #one(): Promise<boolean> {
    if (this.#frozen !== undefined) await this.#frozen;
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
      if (this.#items.signal.aborted || error instanceof Withheld) return false;
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
    this.#begin.abort(new Withheld('the page begins nothing more'));
  }

  #cancel(): void {
    this.#end({ why: 'cancelled' });
    this.#send.abort(new Withheld('the page sends nothing more'));
    this.#giveUpItems('the page was cancelled');
  }

  #tick(): void {
    if (this.#beat.gap() > FROZEN_MS) this.#confirmOwnership();
    this.#lookAtDoor();
    if (performance.now() - this.#began > TURN_MS) this.#end({ why: 'turn' });
    this.#beat.send();
    this.#saving ??= this.#save()
      .catch((error: unknown) => this.#blockedByLedger(error))
      .finally(() => {
        this.#saving = undefined;
      });
  }

  /** Until Temporal answers, no item starts; when the page is another attempt's by now, nothing more is done. */
  #confirmOwnership(): void {
    this.#frozen ??= this.#beat
      .stillOurs()
      .catch(() => false)
      .then((ours) => {
        this.#frozen = undefined;
        if (ours) return;
        this.#end({ why: 'lost' });
        this.#items.abort(new Error('the page is another attempt’s by now'));
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
