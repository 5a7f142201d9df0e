import type { StorageEvent } from '../domain/event.ts';
import type { Position } from './connector.ts';

/** What a source gave at once. */
export interface FeedBatch {
  /** Empty when nothing came in time, or what came was no event (a test message, a deletion). */
  readonly events: readonly StorageEvent[];
  /** Where the source goes on behind this batch; absent where the source itself remembers (queues). JSON, made and understood by the feed alone. */
  readonly cursor?: Position;
  /** So many were told of that are no events; default 0. */
  readonly ignored?: number;
  /** So many could not be understood: they stay where they are, for the source's own rule about such messages; default 0. */
  readonly unreadable?: number;
  /**
   * Call once the events are handed over for good, and the cursor, if any, is kept. Tells the source not to give them again.
   * Without it they come again: at least once, never lost.
   */
  acknowledge(): Promise<void>;
}

/** A source of events that is asked, not one that calls: a queue, a delta, a folder that is watched. One reader at a time. */
export interface Feed {
  /**
   * What comes next: as soon as something is there, and after 20 s at most an empty batch.
   * @throws ConnectorError; `listing_expired` when the source no longer knows the cursor and something may have been missed: the feed
   * then goes on from now, and a sweep must find what lies between
   */
  next(signal: AbortSignal): Promise<FeedBatch>;
  /** Frees what it holds; gives back what was not acknowledged, as far as the source can. Never throws. */
  close(): Promise<void>;
}
