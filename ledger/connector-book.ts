import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { ConnectorDefinition, ConnectorEntry } from '../domain/connector-entry.ts';
import { canonicalJson } from './canonical-json.ts';
import { eachOf } from './each-of.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import { corrupt } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job: no job has a name that begins so. One object a state, all listed with one request. */
const FOLDER = '_connectors/';
/** `id-` and the id (which may begin with a hyphen), revision in digits that sort, something random. */
const NAME = /^_connectors\/id-([a-z0-9-]{1,63})\.(\d{10})\.[0-9a-f]{16}\.json$/;
const DIGITS = 10;

/**
 * The connectors that were made through the API. Append-only: each state is an object of its own, and the highest revision of an id counts,
 * so that a process that was frozen and writes an old state late changes nothing.
 */
export interface ConnectorBook {
  /** Writes a state. @throws LedgerError */
  append(entry: ConnectorEntry): Promise<void>;
  /** The state that counts, of a deleted one too; undefined for an id that never was. @throws LedgerError */
  newest(id: string): Promise<ConnectorEntry | undefined>;
  /** The state that counted at this moment (ISO 8601), of a deleted one too; undefined where there was none yet. @throws LedgerError */
  at(id: string, time: string): Promise<ConnectorEntry | undefined>;
  /**
   * The states that count, by id, of deleted ones too. One that this book has read before is the same object again.
   * @param onDamaged is told of those that can't be understood, which are then left out: a newer version may have written them
   * @throws LedgerError, `corrupt` only without `onDamaged`
   */
  all(onDamaged?: (id: string, error: LedgerError) => void): Promise<readonly ConnectorEntry[]>;
}

const entryShape = z.looseObject({
  format: z.literal(1),
  id: z.string().regex(/^[a-z0-9-]{1,63}$/),
  revision: z.number().int().min(1),
  at: z.string(),
  by: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  local: z.boolean(),
  deleted: z.boolean(),
  definition: z.record(z.string(), z.unknown()),
});

export function createConnectorBook(store: ObjectStore): ConnectorBook {
  /** Objects are written once: what was read stays true. */
  const read = new Map<string, ConnectorEntry>();

  /** The object that counts, by id. */
  async function names(): Promise<Map<string, string>> {
    const newest = new Map<string, string>();
    for await (const { name } of store.list(FOLDER)) {
      const [, id] = NAME.exec(name) ?? [];
      if (id !== undefined && name > (newest.get(id) ?? '')) newest.set(id, name);
    }
    return newest;
  }

  async function entryOf(id: string, name: string): Promise<ConnectorEntry> {
    const known = read.get(name);
    if (known !== undefined) return known;
    const parsed = entryShape.safeParse(json(name, await store.get(name)));
    if (!parsed.success || parsed.data.id !== id) throw corrupt(name, 'it is no state of this connector');
    const entry = parsed.data as Omit<ConnectorEntry, 'definition'> & { definition: unknown };
    const found: ConnectorEntry = { ...entry, definition: entry.definition as ConnectorDefinition };
    read.set(name, found);
    return found;
  }

  return {
    async append(entry) {
      const revision = String(entry.revision).padStart(DIGITS, '0');
      const name = `${FOLDER}id-${checkId(entry.id)}.${revision}.${randomBytes(8).toString('hex')}.json`;
      await store.put(name, Buffer.from(canonicalJson(entry)));
    },
    async newest(id) {
      const name = (await names()).get(checkId(id));
      return name === undefined ? undefined : await entryOf(id, name);
    },
    async at(id, time) {
      const own: string[] = [];
      for await (const { name } of store.list(FOLDER)) if (NAME.exec(name)?.[1] === checkId(id)) own.push(name);
      for (const name of own.sort().reverse()) {
        const entry = await entryOf(id, name);
        if (entry.at <= time) return entry;
      }
      return undefined;
    },
    async all(onDamaged) {
      const newest = await names();
      const current = new Set(newest.values());
      for (const name of read.keys()) if (!current.has(name)) read.delete(name);
      const found = await eachOf([...newest].sort(), async ([id, name]) => {
        try {
          return await entryOf(id, name);
        } catch (error) {
          if (onDamaged === undefined || !isLedgerError(error, 'corrupt')) throw error;
          onDamaged(id, error);
          return undefined;
        }
      });
      return found.filter((entry) => entry !== undefined);
    },
  };
}

/** @throws LedgerError `invalid` */
function checkId(id: string): string {
  if (/^[a-z0-9-]{1,63}$/.test(id)) return id;
  throw new LedgerError('invalid', id, `${JSON.stringify(id)} can't be the id of a connector.`);
}

function json(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(name, 'it is no JSON', cause);
  }
}
