import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Connector } from '../../connectors/connector.ts';
import { messageOf } from '../../domain/errors.ts';
import { countRows, isFinding, type OutcomeRow } from '../../domain/outcome.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { Writer } from '../../ledger/types.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { Beat } from '../beat.ts';
import type { WorkerDeps } from '../deps.ts';
import type { Checkpoint, ScanPageInput, ScanPageResult } from '../types.ts';
import { writerOf } from '../writer.ts';
import { waitAtDoor } from './door.ts';
import { MAX_DEATHS, PageRun } from './page-run.ts';
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

type Stop = { readonly why: 'turn' | 'cancelled' | 'lost' } | { readonly why: 'blocked'; code: string; detail: string };

/**
 * Scans the items of one page, from its checkpoint on, and closes it with a segment; or hands it back with a checkpoint.
 * Nothing that is written down is ever done again.
 */
export function createScanPage(deps: WorkerDeps): (input: ScanPageInput) => Promise<ScanPageResult> {
  return async (input) => {
    const context = Context.current();
    const beaten = context.info.heartbeatDetails as Checkpoint | undefined;
    const checkpoint = beaten ?? input.checkpoint;
    const ledger = deps.ledger.job(input.job);
    const index = await ledger.readIndex(input.index);
    const entry = index.pages.find((p) => p.page === input.page);
    if (entry === undefined)
      throw new LedgerError('corrupt', input.index.name, `Index ${input.index.name} does not name page ${input.page}.`);
    const items = await ledger.readPage(entry.object);
    const run = new PageRun(input.page, items, checkpoint, beaten !== undefined && !beaten.calm);
    const turn = new PageTurn(run, {
      ledger,
      writer: writerOf(context.info),
      connector: await deps.connector(input.source, input.settings),
      scanner: deps.scanner(input.settings.scanner),
      maxSize: input.settings.maxSize,
      job: input.job,
      cancelled: context.cancellationSignal,
    });
    const live = deps.live.open(
      input.job,
      input.page,
      () => run.counters(),
      () => run.inHand,
    );
    try {
      const stop = await turn.run();
      if (run.complete) {
        const { segment, rows } = await closePage(ledger, run, writerOf(context.info));
        await deps.announce(
          input.job,
          rows.filter((row) => isFinding(row.outcome)),
        );
        const counters = countRows(rows);
        return {
          end: 'closed',
          result: { page: input.page, listing: entry.object, items: items.length, segment, counters },
        };
      }
      const handed = run.checkpoint(true);
      if (stop?.why === 'blocked') return { end: 'blocked', checkpoint: handed, code: stop.code, detail: stop.detail };
      return { end: 'open', checkpoint: handed, why: stop?.why === 'turn' ? 'turn' : 'cancelled' };
    } finally {
      live.close();
    }
  };
}

/** Writes the page's one segment: the rows of this dispatch and those of its earlier parts, in order. */
async function closePage(ledger: JobLedger, run: PageRun, writer: Writer) {
  const byOrdinal: (OutcomeRow | undefined)[] = new Array(run.items.length);
  if (run.resumed && run.part !== undefined) {
    for (const row of await ledger.readParts(run.part)) byOrdinal[ordinalOf(row)] = row;
  }
  for (const [ordinal, row] of run.rows) byOrdinal[ordinal] = row;
  const rows = byOrdinal.filter((row) => row !== undefined);
  if (rows.length !== run.items.length) {
    throw new LedgerError(
      'corrupt',
      run.part ?? run.page,
      `Page ${run.page} has ${rows.length} rows for ${run.items.length} items.`,
    );
  }
  return { segment: await ledger.writeSegment(run.page, rows, writer), rows };
}

function ordinalOf(row: OutcomeRow): number {
  return Number(row.item.slice(row.item.indexOf(':') + 1));
}

interface TurnDeps extends Omit<ScanItemDeps, 'now' | 'pause'> {
  readonly ledger: JobLedger;
  readonly writer: Writer;
  readonly connector: Connector;
  readonly scanner: Scanner;
  readonly cancelled: AbortSignal;
}

/** One dispatch of a page: runners that pull items, a checkpoint each second, and the reasons to stop. */
class PageTurn {
  readonly #run: PageRun;
  readonly #deps: TurnDeps;
  readonly #itemDeps: ScanItemDeps;
  readonly #beat: Beat<Checkpoint>;
  readonly #items = new AbortController();
  readonly #began = performance.now();
  #stop: Stop | undefined;
  #saving: Promise<void> | undefined;
  #door: Promise<boolean> | undefined;
  #frozen: Promise<void> | undefined;

  constructor(run: PageRun, deps: TurnDeps) {
    this.#run = run;
    this.#deps = deps;
    this.#itemDeps = { ...deps, now: () => new Date(), pause: (ms, signal) => pause(ms, undefined, { signal }) };
    this.#beat = new Beat(run.checkpoint());
  }

  /** Resolves when all items have rows or the turn was stopped, with nothing in hand and every row written down. */
  async run(): Promise<Stop | undefined> {
    const ticker = setInterval(() => this.#tick(), CHECKPOINT_MS);
    const onCancel = () => this.#cancel();
    this.#deps.cancelled.addEventListener('abort', onCancel, { once: true });
    if (this.#deps.cancelled.aborted) this.#cancel();
    try {
      await this.#work();
    } finally {
      clearInterval(ticker);
      this.#deps.cancelled.removeEventListener('abort', onCancel);
      await this.#saving;
    }
    if (!this.#run.complete) await this.#save();
    return this.#stop;
  }

  async #work(): Promise<void> {
    // Suspects first, one at a time; then everything else, many at a time.
    while (this.#run.careful && this.#stop === undefined) await this.#one();
    const runners: Promise<void>[] = [];
    for (let i = 0; i < RUNNERS; i++) runners.push(this.#runner());
    await Promise.all(runners);
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
      if (this.#items.signal.aborted) return false;
      if (!(error instanceof Blocked)) {
        this.#end({ why: 'cancelled' });
        throw error;
      }
      return await this.#wait(error);
    }
  }

  async #wait(blocked: Blocked): Promise<boolean> {
    this.#door ??= waitAtDoor(blocked, this.#deps.scanner, this.#deps.connector, this.#items.signal).finally(() => {
      this.#door = undefined;
    });
    if (await this.#door) return true;
    this.#end({ why: 'blocked', code: blocked.code, detail: blocked.message });
    return false;
  }

  #end(stop: Stop): void {
    this.#stop ??= stop;
  }

  #cancel(): void {
    this.#end({ why: 'cancelled' });
    setTimeout(() => this.#items.abort(new Error('the page was cancelled')), CANCEL_GRACE_MS).unref();
  }

  #tick(): void {
    if (this.#beat.gap() > FROZEN_MS) this.#confirmOwnership();
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
    const code = error instanceof LedgerError ? error.code : 'ledger_error';
    this.#end({ why: 'blocked', code, detail: messageOf(error) });
    this.#items.abort(error);
  }
}
