import { canonicalJson } from './canonical-json.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job: no job has a name that begins so. One folder a key, and in it at most one object of each kind. */
const KEYS = '_keys/';
const NAMES = '_key-names/';
const USES = '_key-uses/';

export const KEY_ID = /^[0-9a-f]{16}$/;
export const KEY_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const OBJECT = /^_keys\/([0-9a-f]{16})\/(made|rotated|revoked)\.json$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** `made`: the key itself; `rotated`: another one takes its place; `revoked`: it counts no more. */
export type KeyObjectKind = 'made' | 'rotated' | 'revoked';

/**
 * The objects of API keys: what they say is for who wrote them to understand. Each is written once. A name belongs to the key that claimed
 * it first, for good, so that what was done under a name was done by one caller.
 */
export interface KeyObjects {
  /** In no particular order. @throws LedgerError */
  list(): Promise<readonly { readonly id: string; readonly kind: KeyObjectKind }[]>;
  /** @throws LedgerError `conflict` when another one of this kind lies there, … */
  put(id: string, kind: KeyObjectKind, body: unknown): Promise<void>;
  /** The bytes as they lie there. @throws LedgerError */
  get(id: string, kind: KeyObjectKind): Promise<Buffer>;
  /** True when the name is now, or was before, this key's. @throws LedgerError */
  claim(name: string, id: string): Promise<boolean>;
  /** Notes that a key was used on a day (UTC, `2026-11-23`). Repeating it is harmless. @throws LedgerError */
  noteUse(id: string, day: string): Promise<void>;
  /** The last day that was noted. @throws LedgerError */
  lastUse(id: string): Promise<string | undefined>;
}

export function createKeyObjects(store: ObjectStore): KeyObjects {
  const nameOf = (id: string, kind: KeyObjectKind): string => `${KEYS}${checkId(id)}/${kind}.json`;
  const bytesOf = (body: unknown): Buffer => Buffer.from(canonicalJson(body));
  return {
    async list() {
      const found: { id: string; kind: KeyObjectKind }[] = [];
      for await (const { name } of store.list(KEYS)) {
        const [, id, kind] = OBJECT.exec(name) ?? [];
        if (id !== undefined && kind !== undefined) found.push({ id, kind: kind as KeyObjectKind });
      }
      return found;
    },
    put: (id, kind, body) => store.put(nameOf(id, kind), bytesOf(body)),
    get: (id, kind) => store.get(nameOf(id, kind)),
    async claim(name, id) {
      if (!KEY_NAME.test(name)) throw new LedgerError('invalid', name, `${JSON.stringify(name)} can't name a key.`);
      try {
        await store.put(`${NAMES}${name}.json`, bytesOf({ format: 1, id: checkId(id) }));
        return true;
      } catch (error) {
        if (isLedgerError(error, 'conflict')) return false;
        throw error;
      }
    },
    async noteUse(id, day) {
      if (!DAY.test(day)) throw new LedgerError('invalid', day, `${JSON.stringify(day)} is no day.`);
      await store.put(`${USES}${checkId(id)}/${day}`, bytesOf({ format: 1 }));
    },
    async lastUse(id) {
      let last: string | undefined;
      for await (const { name } of store.list(`${USES}${checkId(id)}/`)) {
        const day = name.slice(name.lastIndexOf('/') + 1);
        if (DAY.test(day) && (last === undefined || day > last)) last = day;
      }
      return last;
    },
  };
}

/** @throws LedgerError `invalid` */
function checkId(id: string): string {
  if (KEY_ID.test(id)) return id;
  throw new LedgerError('invalid', id, `${JSON.stringify(id)} is no id of a key: it has 16 lower-case hex digits.`);
}
