import { randomBytes } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import { LedgerError } from './errors.ts';
import { isHash } from './names.ts';
import { corrupt, hashOf } from './ndjson.ts';
import type { ObjectStore } from './store.ts';
import type { ObjectRef } from './types.ts';

/** Outside of every job, one folder a connector: no job has a name that begins so. */
const FOLDER = '_watch/';
const CONNECTOR = /^[a-z0-9-]{1,63}$/;
const NAME = /^_watch\/[a-z0-9-]{1,63}\/[0-9a-f]{32}\.json$/;
/** Of a connector, what was written within this before its newest one stays: which one counts, its watch knows. Milliseconds. */
const KEPT_MS = 86_400_000;

/** Where sources of events go on, which names items or holds links of a storage: workflows carry the reference alone. */
export interface Cursors {
  /** @throws LedgerError */
  write(connector: string, cursor: Readonly<Record<string, unknown>>): Promise<ObjectRef>;
  /** @throws LedgerError `not_found`, `invalid`, `corrupt`, … */
  read(ref: ObjectRef): Promise<Readonly<Record<string, unknown>>>;
  /** Removes those that newer ones have long replaced. Returns how many. */
  sweep(): Promise<number>;
}

export function createCursors(store: ObjectStore): Cursors {
  return {
    async write(connector, cursor) {
      if (!CONNECTOR.test(connector)) {
        throw new LedgerError('invalid', connector, `${JSON.stringify(connector)} is no connector id.`);
      }
      const bytes = Buffer.from(canonicalJson({ format: 1, connector, cursor }));
      const name = `${FOLDER}${connector}/${randomBytes(16).toString('hex')}.json`;
      await store.put(name, bytes);
      return { name, hash: hashOf(bytes) };
    },
    async read({ name, hash }) {
      if (typeof name !== 'string' || !NAME.test(name) || !isHash(hash)) {
        throw new LedgerError('invalid', String(name), `${JSON.stringify(name)} is the name of no cursor.`);
      }
      const bytes = await store.get(name);
      if (hashOf(bytes) !== hash) throw corrupt(name, 'its bytes are not those that its hash stands for');
      const body = JSON.parse(bytes.toString('utf8')) as { format?: unknown; cursor?: unknown } | null;
      if (body?.format !== 1 || typeof body.cursor !== 'object' || body.cursor === null) {
        throw corrupt(name, 'it is no cursor of format 1');
      }
      return body.cursor as Readonly<Record<string, unknown>>;
    },
    async sweep() {
      let removed = 0;
      for await (const connector of store.folders(FOLDER)) removed += await sweepOne(store, `${FOLDER}${connector}/`);
      return removed;
    },
  };
}

async function sweepOne(store: ObjectStore, prefix: string): Promise<number> {
  const found: { name: string; modifiedMs: number }[] = [];
  for await (const one of store.list(prefix)) if (NAME.test(one.name)) found.push(one);
  const newest = found.reduce((latest, { modifiedMs }) => Math.max(latest, modifiedMs), 0);
  const old = found.filter(({ modifiedMs }) => modifiedMs < newest - KEPT_MS);
  for (const { name } of old) await store.delete(name);
  return old.length;
}
