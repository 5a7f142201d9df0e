import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../ledger/ledger.ts';
import type { ResultCursor, SentPlace } from '../ledger/result-cursors.ts';
import { beginOf, commitsBehind, readOn } from './reader.ts';
import { type Sink, type SinkCode, SinkError } from './sink.ts';

/** A place is written down this long after it was reached, at most: what is sent again after a crash. Milliseconds. */
const KEEP_MS = 2_000;
/** Between two looks at the ledger while there is nothing to send. Milliseconds. */
const LOOK_MS = 3_000;
/** A job may be written down so long after the start that it tells (no worker, a full disk, a wrong clock). Milliseconds. */
const LATE_MS = 7 * 86_400_000;

export interface TurnReport {
  /** Messages sent since the sink is there. */
  readonly sent: number;
  /** Commits that were not sent whole. 0: everything that is written down was sent. */
  readonly behind: number;
  readonly failure?: { readonly code: SinkCode; readonly text: string };
  /** The receiver asked for no more, then. */
  readonly stopped?: string;
}

export interface TurnOptions {
  readonly turnMs: number;
  /** Called before each batch; throws when this process must not go on. */
  readonly mayGoOn: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Sends what is written down and was not sent yet, job by job, for one turn; waits for more while there is none. The place of the sink is
 * in the ledger, so that nothing is lost whoever dies; what was sent since the place was last written is sent again.
 * @throws LedgerError; `conflict`: another process sends to this sink too
 */
export async function deliverTurn(ledger: Ledger, sink: Sink, options: TurnOptions): Promise<TurnReport> {
  const turn = await Turn.begin(ledger, sink);
  const end = Date.now() + options.turnMs;
  let failure: SinkError | undefined;
  if (turn.stopped === undefined) {
    try {
      while (Date.now() < end && !options.signal.aborted) {
        await options.mayGoOn();
        if (await turn.step(end)) continue;
        const pause = Math.min(LOOK_MS, Math.max(0, end - Date.now()));
        await sleep(pause, undefined, { signal: options.signal }).catch(() => undefined);
      }
    } catch (error) {
      if (!(error instanceof SinkError)) throw error;
      failure = error;
      if (error.code === 'sink_gone') turn.stop();
    }
    await turn.keep();
  }
  return {
    sent: turn.sent,
    behind: await turn.behind(),
    ...(failure !== undefined && { failure: { code: failure.code, text: failure.message } }),
    ...(turn.stopped !== undefined && { stopped: turn.stopped }),
  };
}

class Turn {
  readonly #ledger: Ledger;
  readonly #sink: Sink;
  #number: number;
  #cursor: ResultCursor;
  #kept: ResultCursor;
  #keptAt = Date.now();

  private constructor(ledger: Ledger, sink: Sink, number: number, cursor: ResultCursor) {
    this.#ledger = ledger;
    this.#sink = sink;
    this.#number = number;
    this.#cursor = cursor;
    this.#kept = cursor;
  }

  /** A sink that is new gets what begins from now on. */
  static async begin(ledger: Ledger, sink: Sink): Promise<Turn> {
    const found = await ledger.results.read(sink.id);
    if (found !== undefined) {
      const { stopped, ...rest } = found.cursor;
      const again = stopped !== undefined && stopped.receiver !== sink.receiver;
      return new Turn(ledger, sink, found.number, again ? rest : found.cursor);
    }
    const cursor: ResultCursor = { format: 1, floor: new Date().toISOString(), open: [], done: [], sent: 0 };
    return new Turn(ledger, sink, await ledger.results.write(sink.id, 0, cursor), cursor);
  }

  get sent(): number {
    return this.#cursor.sent;
  }

  get stopped(): string | undefined {
    return this.#cursor.stopped?.at;
  }

  stop(): void {
    this.#cursor = { ...this.#cursor, stopped: { at: new Date().toISOString(), receiver: this.#sink.receiver } };
  }

  /** Sends one batch of each job that has one. False when none had. */
  async step(end: number): Promise<boolean> {
    await this.#welcome();
    let any = false;
    for (const place of this.#cursor.open) {
      if (Date.now() >= end) return true;
      any = (await this.#send(place)) || any;
    }
    return any;
  }

  async #send(place: SentPlace): Promise<boolean> {
    const stretch = await readOn(this.#ledger.job(place.job), place, this.#sink.send);
    if (stretch === undefined) return false;
    const { messages, next, last } = stretch;
    if (messages.length > 0) {
      const id = [this.#sink.id, place.job, place.commit, place.object, place.line].join('.');
      await this.#sink.deliver(id, messages);
    }
    const { open, done, sent } = this.#cursor;
    const others = open.filter(({ job }) => job !== place.job);
    this.#cursor = {
      ...this.#cursor,
      sent: sent + messages.length,
      open: last ? others : [...others, next],
      done: last ? [...done, place.job] : done,
    };
    if (Date.now() - this.#keptAt >= KEEP_MS) await this.keep();
    return true;
  }

  /** Takes up the jobs that have begun, and forgets the ended ones that are so old that no job of their time appears any more. */
  async #welcome(): Promise<void> {
    const { floor, open, done } = this.#cursor;
    const known = new Set([...done, ...open.map(({ job }) => job)]);
    const starts = (await this.#ledger.starts()).filter(({ startedAt }) => startedAt >= floor);
    const fresh = starts.filter(({ job }) => !known.has(job)).reverse();
    const before = new Date(Date.now() - LATE_MS).toISOString();
    const young =
      before <= floor ? undefined : new Set(starts.filter((one) => one.startedAt >= before).map((one) => one.job));
    if (fresh.length === 0 && young === undefined) return;
    this.#cursor = {
      ...this.#cursor,
      open: [...open, ...fresh.map(({ job }) => beginOf(job))],
      ...(young !== undefined && { floor: before, done: done.filter((job) => young.has(job)) }),
    };
  }

  /** Writes the place down, if it is another one. */
  async keep(): Promise<void> {
    this.#keptAt = Date.now();
    const { floor: _now, ...cursor } = this.#cursor;
    const { floor: _then, ...kept } = this.#kept;
    if (JSON.stringify(cursor) === JSON.stringify(kept)) return;
    this.#number = await this.#ledger.results.write(this.#sink.id, this.#number, this.#cursor);
    this.#kept = this.#cursor;
  }

  async behind(): Promise<number> {
    let commits = 0;
    for (const place of this.#cursor.open) commits += await commitsBehind(this.#ledger.job(place.job), place);
    return commits;
  }
}
