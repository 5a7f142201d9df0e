import { createHmac } from 'node:crypto';
import type { StorageEvent } from '../domain/event.ts';
import { type EventMark, LONGEST_ORDER } from '../domain/intake.ts';
import { locationBytes } from '../domain/item.ts';

/** 72 bits, keyed: nobody who may only write to a storage can make two locations that look alike. */
const CHARACTERS = 12;

/** What a workflow is told of an event, and a number by which its place chooses a shard. */
export interface Marked {
  readonly mark: EventMark;
  readonly place: number;
}

/**
 * Marks of events.
 * @param key the same for all who hand over events of one installation, and known to no source: the ledger's id
 */
export function createMarks(key: string): (source: string, event: StorageEvent) => Marked {
  const hash = (...parts: (string | Buffer)[]): Buffer => {
    const hmac = createHmac('sha256', key);
    for (const part of parts) {
      const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part, 'utf8');
      hmac.update(`${bytes.length}\n`).update(bytes);
    }
    return hmac.digest();
  };
  return (source, event) => {
    const placed = hash(source, 'place', locationBytes(event));
    const place = short(placed);
    const name = short(hash(source, 'event', ...identity(event, placed)));
    const order = event.order !== undefined && event.order.length <= LONGEST_ORDER ? event.order : undefined;
    return {
      mark: order === undefined ? [name, place] : [name, place, order],
      place: placed.readUInt32BE(CHARACTERS * 2),
    };
  };
}

/**
 * What a repeat has in common with the first. Bytes that were put back, removed and put back again can have the same version: where the source
 * orders its events, another order is another event.
 */
function identity({ id, version, order }: StorageEvent, place: Buffer): (string | Buffer)[] {
  if (version !== undefined) return order === undefined ? ['version', place, version] : ['both', place, version, order];
  return order === undefined ? ['id', id] : ['order', place, order];
}

function short(digest: Buffer): string {
  return digest.toString('base64url').slice(0, CHARACTERS);
}
