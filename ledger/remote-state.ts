import { createHash, randomBytes } from 'node:crypto';
import { isRemoteId } from '../domain/remote.ts';
import { LedgerError } from './errors.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job, one folder a connector and key. */
const FOLDER = '_remote-state/';
const KEY = /^[0-9a-f]{64}$/;
/** A value that a newer one replaced stays for so long, in milliseconds. */
const KEPT_MS = 3_600_000;

/** Small values that remote connectors keep here, as where a listing of changes goes on. The newest of a key counts. */
export interface RemoteStateStore {
  /** @throws LedgerError */
  put(uuid: string, namespace: string, key: string, value: Uint8Array): Promise<void>;
  /** Undefined when nothing was put. @throws LedgerError */
  get(uuid: string, namespace: string, key: string): Promise<Buffer | undefined>;
  /** Removes what newer values have long replaced. Returns how many. */
  sweep(): Promise<number>;
}

export function createRemoteState(store: ObjectStore): RemoteStateStore {
  /** Values of one key get rising names, also within one millisecond. */
  let last = 0;
  return {
    async put(uuid, namespace, key, value) {
      last = Math.max(Date.now() * 1000, last + 1);
      const name = `${String(last).padStart(17, '0')}.${randomBytes(8).toString('hex')}`;
      await store.put(`${folderOf(uuid, namespace, key)}${name}`, Buffer.from(value));
    },
    async get(uuid, namespace, key) {
      let newest = '';
      for await (const { name } of store.list(folderOf(uuid, namespace, key))) if (name > newest) newest = name;
      return newest === '' ? undefined : await store.get(newest);
    },
    async sweep() {
      let removed = 0;
      for await (const uuid of store.folders(FOLDER)) {
        for await (const key of store.folders(`${FOLDER}${uuid}/`)) {
          if (KEY.test(key)) removed += await sweepOne(store, `${FOLDER}${uuid}/${key}/`);
        }
      }
      return removed;
    },
  };
}

async function sweepOne(store: ObjectStore, prefix: string): Promise<number> {
  const found: { name: string; modifiedMs: number }[] = [];
  for await (const one of store.list(prefix)) found.push(one);
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const newest = found.pop();
  const old = found.filter(({ modifiedMs }) => modifiedMs < (newest?.modifiedMs ?? 0) - KEPT_MS);
  for (const { name } of old) await store.delete(name);
  return old.length;
}

/** Names of keys may be anything: they are hashed. @throws LedgerError `invalid` */
function folderOf(uuid: string, namespace: string, key: string): string {
  if (!isRemoteId(uuid)) throw new LedgerError('invalid', uuid, `${JSON.stringify(uuid)} is no UUID.`);
  const hash = createHash('sha256')
    .update(JSON.stringify([namespace, key]))
    .digest('hex');
  return `${FOLDER}${uuid}/${hash}/`;
}
