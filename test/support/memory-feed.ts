import { setTimeout as sleep } from 'node:timers/promises';
import type { Position } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { Feed, FeedBatch } from '../../connectors/feed.ts';

/** A source with a cursor: a list of changes, of which each batch gives the next one. */
export class MemorySource {
  readonly changes: string[] = [];
  /** Raised by the next readers, as long as it is set. */
  fault: ConnectorError | undefined;
  /** The next reader's place is not known any more. */
  expired = false;
  /** Readers that are open. */
  open = 0;
  /** Where readers began. */
  readonly begun: number[] = [];

  feed(cursor: Position | undefined): Feed {
    let at = Number(cursor?.at ?? 0);
    this.open += 1;
    this.begun.push(at);
    return {
      next: async (signal): Promise<FeedBatch> => {
        if (this.fault !== undefined) throw this.fault;
        if (this.expired) {
          this.expired = false;
          at = this.changes.length;
          throw new ConnectorError('listing_expired', 'the place is not known any more');
        }
        const end = Date.now() + 300;
        while (at >= this.changes.length && Date.now() < end) await sleep(10, undefined, { signal });
        const location = this.changes[at];
        if (location === undefined) return { events: [], cursor: { at }, acknowledge: async () => undefined };
        at += 1;
        const event = { location, id: `${at}`, at: new Date().toISOString() };
        return { events: [event], cursor: { at }, ignored: 1, acknowledge: async () => undefined };
      },
      close: async () => {
        this.open -= 1;
      },
    };
  }
}
