import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { isRemoteId, type RemoteEntry } from '../domain/remote.ts';
import { canonicalJson } from './canonical-json.ts';
import { eachOf } from './each-of.ts';
import { LedgerError } from './errors.ts';
import { corrupt } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job, one folder a connector: no job has a name that begins so. Names of entries rise with their time. */
const FOLDER = '_remotes/';

/** The remote connectors that ever registered. Append-only: whatever changes of one is a new entry, and the newest counts. */
export interface RemoteBook {
  /** Appends an entry. Its time is now, or right behind the newest entry, where that clock is ahead. @throws LedgerError */
  append(entry: Omit<RemoteEntry, 'format' | 'at'>): Promise<RemoteEntry>;
  /** The entry that counts; undefined for one that never registered. @throws LedgerError */
  newest(uuid: string): Promise<RemoteEntry | undefined>;
  /** The entries that count, by UUID. @throws LedgerError */
  all(): Promise<readonly RemoteEntry[]>;
}

const text = z.string().max(8_192);
const entryShape = z.looseObject({
  format: z.literal(1),
  uuid: z.string().refine(isRemoteId),
  at: z.string(),
  from: z.string().optional(),
  model: z.looseObject({
    name: text,
    url: text,
    item_action: text,
    item_action_move_metainfo: text,
    asset: text,
    filter: text,
  }),
  local: z.boolean(),
  left: z.boolean(),
  keys: z.array(z.looseObject({ id: z.string(), until: z.string().optional() })).max(2),
});

export function createRemoteBook(store: ObjectStore): RemoteBook {
  async function newest(uuid: string): Promise<RemoteEntry | undefined> {
    let last = '';
    for await (const { name } of store.list(`${FOLDER}${checkId(uuid)}/`)) if (name > last) last = name;
    if (last === '') return undefined;
    const entry = entryShape.safeParse(parsed(last, await store.get(last)));
    if (!entry.success || entry.data.uuid !== uuid) throw corrupt(last, 'it is no entry of this remote connector');
    return entry.data as RemoteEntry;
  }

  return {
    newest,
    async append(entry) {
      const before = await newest(entry.uuid);
      const at = new Date(Math.max(Date.now(), Date.parse(before?.at ?? '1970-01-01') + 1)).toISOString();
      const written: RemoteEntry = { format: 1, ...entry, at };
      const name = `${at.replaceAll(/[^0-9TZ]/g, '')}.${randomBytes(8).toString('hex')}.json`;
      await store.put(`${FOLDER}${entry.uuid}/${name}`, Buffer.from(canonicalJson(written)));
      return written;
    },
    async all() {
      const uuids: string[] = [];
      for await (const name of store.folders(FOLDER)) if (isRemoteId(name)) uuids.push(name);
      const entries = await eachOf(uuids.sort(), newest);
      return entries.filter((entry) => entry !== undefined);
    },
  };
}

/** @throws LedgerError `invalid` */
function checkId(uuid: string): string {
  if (isRemoteId(uuid)) return uuid;
  throw new LedgerError('invalid', uuid, `${JSON.stringify(uuid)} is no UUID of a remote connector.`);
}

function parsed(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(name, 'it is no JSON', cause);
  }
}
