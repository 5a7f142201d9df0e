import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Position } from '../connectors/connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import type { Feed, FeedBatch } from '../connectors/feed.ts';
import { messageOf } from '../domain/errors.ts';
import type { StorageEvent } from '../domain/event.ts';
import type { Source } from '../domain/job.ts';
import { addWatchCounts, NO_WATCH_COUNTS, type WatchLive } from '../domain/watch.ts';
import { type Intake, IntakeError } from '../intake/intake.ts';
import { LEDGER_CODES, LedgerError } from '../ledger/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ObjectRef } from '../ledger/types.ts';
import { Beat, TICK_MS } from './beat.ts';
import type { WatchFeedInput, WatchFeedResult, WatchFeedState } from './types.ts';

/** What watching stands on. */
export interface WatchDeps {
  readonly ledger: Pick<Ledger, 'cursors'>;
  readonly intake: Intake;
  /** The source of a connector. @throws ConnectorError */
  openFeed(source: Source, cursor: Position | undefined): Promise<Feed>;
  /** Tells the status how a turn goes, as well as it can. Never rejects. */
  announce(connector: string, live: WatchLive): Promise<void>;
}

/** Times in a row that events may not be taken before the turn ends and health says so. */
const PATIENCE = 5;

/** One turn of asking a source and handing over what it gives. Never throws for what a source, the intake or the ledger answers. */
export function createWatchFeed(deps: WatchDeps): (input: WatchFeedInput) => Promise<WatchFeedResult> {
  return (input) => new Turn(deps, input).run();
}

class Turn {
  readonly #deps: WatchDeps;
  readonly #input: WatchFeedInput;
  readonly #signal = Context.current().cancellationSignal;
  readonly #beat: Beat<WatchFeedState>;
  /** The cursor that was kept last, as text. */
  #kept: string | undefined;
  #state: WatchFeedState;

  constructor(deps: WatchDeps, input: WatchFeedInput) {
    this.#deps = deps;
    this.#input = input;
    this.#state = { ...(input.cursor !== undefined && { cursor: input.cursor }), counts: NO_WATCH_COUNTS };
    this.#beat = new Beat(this.#state);
  }

  async run(): Promise<WatchFeedResult> {
    const end = Date.now() + this.#input.turnMs;
    const timer = setInterval(() => {
      if (!this.#beat.frozen) this.#beat.tick();
      this.#beat.send();
    }, TICK_MS);
    let feed: Feed | undefined;
    try {
      feed = await this.#open();
      let more = true;
      while (more && !this.#signal.aborted) {
        await this.#step(feed);
        more = Date.now() < end && this.#input.probe !== true;
      }
      return this.#state;
    } catch (error) {
      return this.#signal.aborted ? this.#state : { ...this.#state, failure: failureOf(error) };
    } finally {
      await feed?.close();
      clearInterval(timer);
    }
  }

  async #open(): Promise<Feed> {
    const { cursor, source } = this.#input;
    const position = cursor === undefined ? undefined : await this.#deps.ledger.cursors.read(cursor);
    this.#kept = position === undefined ? undefined : JSON.stringify(position);
    return await this.#deps.openFeed(source, position);
  }

  async #step(feed: Feed): Promise<void> {
    const batch = await this.#next(feed);
    if (batch.events.length > 0) await this.#handOver(batch.events);
    const cursor = await this.#keep(batch.cursor);
    await this.#prove();
    await batch.acknowledge();
    const at = new Date().toISOString();
    const { events, ignored = 0, unreadable = 0 } = batch;
    const newest = events.reduce((latest, event) => (event.at > latest ? event.at : latest), '');
    this.#state = {
      ...this.#state,
      ...(cursor !== undefined && { cursor }),
      counts: addWatchCounts(this.#state.counts, { events: events.length, ignored, unreadable }),
      answeredAt: at,
      ...(newest !== '' && { lastEvent: { at, lagMs: Math.max(0, Date.parse(at) - Date.parse(newest)) } }),
    };
    this.#beat.send(this.#state);
    const { counts, lastEvent } = this.#state;
    const live = { counts, answeredAt: at, ...(lastEvent !== undefined && { lastEvent }) };
    await this.#deps.announce(this.#input.connector, live);
  }

  /** Another worker may have the source by now, if this process stood still: what it lent us is then lent anew. */
  async #prove(): Promise<void> {
    if (!this.#beat.frozen) return;
    const whose = await this.#beat.ask();
    if (whose === 'lost') throw new WatchLost();
    if (whose === 'ours') this.#beat.tick();
  }

  /** A source that lost its place goes on from now; that it did is told. */
  async #next(feed: Feed): Promise<FeedBatch> {
    try {
      return await feed.next(this.#signal);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'listing_expired') throw error;
      this.#state = { ...this.#state, missed: true };
      this.#beat.send(this.#state);
      return await feed.next(this.#signal);
    }
  }

  /** What can't be taken now is kept, and offered again: the source holds it for us as long. */
  async #handOver(events: readonly StorageEvent[]): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#deps.intake.add(this.#input.connector, events);
        return;
      } catch (error) {
        if (!(error instanceof IntakeError) || failures === PATIENCE) throw error;
        await sleep(error.retryAfterMs, undefined, { signal: this.#signal });
      }
    }
  }

  async #keep(cursor: Position | undefined): Promise<ObjectRef | undefined> {
    if (cursor === undefined) return undefined;
    const text = JSON.stringify(cursor);
    if (text === this.#kept) return undefined;
    const ref = await this.#deps.ledger.cursors.write(this.#input.connector, cursor);
    this.#kept = text;
    return ref;
  }
}

/** The turn is another worker's by now. */
class WatchLost extends Error {}

function failureOf(error: unknown): NonNullable<WatchFeedResult['failure']> {
  const detail = messageOf(error);
  if (error instanceof ConnectorError) {
    const { code, retryAfterMs } = error;
    const hold = CONNECTOR_CODES[code] !== 'retry';
    return { code, detail, hold, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  if (error instanceof IntakeError) {
    return { code: `intake_${error.code}`, detail, hold: false, retryAfterMs: error.retryAfterMs };
  }
  if (error instanceof LedgerError) {
    return { code: `ledger_${error.code}`, detail, hold: LEDGER_CODES[error.code] !== 'retry' };
  }
  // What has no code may say anything, secrets among it.
  const name = error instanceof Error ? error.name : 'unknown';
  return { code: 'internal', detail: `a fault of ours: ${name}; the worker’s log has more`, hold: false };
}
