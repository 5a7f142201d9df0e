import { canonicalJson } from './canonical-json.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import { corrupt } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job, one folder a sink: no job has a name that begins so. Names are numbers, the highest counts. */
const FOLDER = '_results/';
const DIGITS = 12;

/** How far the results of a job were sent. */
export interface SentPlace {
  readonly job: string;
  /** The commit that is being sent, 1 for the first, and the hash of the one before it (`-` for the first). */
  readonly commit: number;
  readonly before: string;
  /** Objects of that commit, and lines of the next one, that were sent. */
  readonly object: number;
  readonly line: number;
}

/** How far a sink has come. */
export interface ResultCursor {
  readonly format: 1;
  /** Jobs that began before (ISO 8601) are sent whole, unless `open` names them. */
  readonly floor: string;
  readonly open: readonly SentPlace[];
  /** Jobs that began at or after `floor` and were sent whole. */
  readonly done: readonly string[];
  /** Messages sent since the sink is there. */
  readonly sent: number;
  /** Set when the receiver asked for no more (HTTP 410), with what identified it then. */
  readonly stopped?: { readonly at: string; readonly receiver: string };
}

/** Places of sinks, outside of every job. Written once each, as all of the ledger is; older ones are removed where that is allowed. */
export interface ResultCursors {
  /** Undefined for a sink that never sent anything. @throws LedgerError */
  read(sink: string): Promise<{ readonly number: number; readonly cursor: ResultCursor } | undefined>;
  /** Returns the number of the new one. @throws LedgerError `conflict` when another sender wrote that number */
  write(sink: string, before: number, cursor: ResultCursor): Promise<number>;
}

export function createResultCursors(store: ObjectStore): ResultCursors {
  async function numbers(sink: string): Promise<number[]> {
    const prefix = `${FOLDER}${sink}/`;
    const found: number[] = [];
    for await (const { name } of store.list(prefix)) {
      const [, digits] = /\/(\d+)\.json$/.exec(name) ?? [];
      if (digits !== undefined) found.push(Number(digits));
    }
    return found;
  }
  const nameOf = (sink: string, number: number): string =>
    `${FOLDER}${sink}/${String(number).padStart(DIGITS, '0')}.json`;

  return {
    async read(sink) {
      const number = Math.max(0, ...(await numbers(sink)));
      if (number === 0) return undefined;
      const name = nameOf(sink, number);
      return { number, cursor: asCursor(name, await store.get(name)) };
    },
    async write(sink, before, cursor) {
      await store.put(nameOf(sink, before + 1), Buffer.from(canonicalJson(cursor)));
      try {
        // A few are left, for whoever looks for the highest one at this moment.
        for (const old of await numbers(sink)) if (old < before - 2) await store.delete(nameOf(sink, old));
      } catch (error) {
        if (!(error instanceof LedgerError) || !isLedgerError(error, 'not_writable')) throw error;
      }
      return before + 1;
    },
  };
}

function asCursor(name: string, bytes: Buffer): ResultCursor {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as ResultCursor;
    if (value.format === 1 && Array.isArray(value.open) && Array.isArray(value.done)) return value;
  } catch (cause) {
    throw corrupt(name, 'it is no JSON', cause);
  }
  throw corrupt(name, 'it is no place of a sink of format 1');
}
