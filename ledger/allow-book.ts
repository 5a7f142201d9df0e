import { randomBytes } from 'node:crypto';
import { type AllowEntry, isSha256, MAX_REASON } from '../domain/allow.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkLimit } from './cursor.ts';
import { LedgerError } from './errors.ts';
import { corrupt } from './ndjson.ts';
import { asAllowEntry } from './schema.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job, one folder a hash: no job has a name that begins so. Names of entries rise with their time. */
const FOLDER = '_allowed/';
/** Hashes of one page at most. */
export const MAX_ALLOWED = 1_000;

/** What is allowed by hash. Append-only: whoever allows or revokes adds an object, and the newest one of a hash counts. */
export interface AllowBook {
  /** Appends a decision. Its time is now, or right behind the newest entry, where that clock is ahead. @throws LedgerError */
  append(decision: Pick<AllowEntry, 'sha256' | 'allowed' | 'by' | 'reason'>): Promise<AllowEntry>;
  /** The entry that counts; undefined when nobody ever decided about these bytes. @throws LedgerError */
  newest(sha256: string): Promise<AllowEntry | undefined>;
  /** The entries that count, by hash. `after`: the `next` of the page before. @throws LedgerError */
  page(query: { readonly limit: number; readonly after?: string }): Promise<AllowPage>;
}

export interface AllowPage {
  readonly entries: readonly AllowEntry[];
  readonly next?: string;
}

export function createAllowBook(store: ObjectStore): AllowBook {
  async function newest(sha256: string): Promise<AllowEntry | undefined> {
    let last = '';
    for await (const { name } of store.list(`${FOLDER}${checkHash(sha256)}/`)) if (name > last) last = name;
    if (last === '') return undefined;
    const entry = asAllowEntry(last, parsed(last, await store.get(last)));
    if (entry.sha256 !== sha256) throw corrupt(last, `it is about ${entry.sha256}`);
    return entry;
  }

  return {
    newest,
    async append({ sha256, allowed, by, reason }) {
      if (reason === '' || reason.length > MAX_REASON) {
        throw new LedgerError('invalid', 'reason', `The reason must have 1 to ${MAX_REASON} characters.`);
      }
      const before = await newest(sha256);
      const at = new Date(Math.max(Date.now(), Date.parse(before?.at ?? '1970-01-01') + 1)).toISOString();
      const entry: AllowEntry = { format: 1, sha256, allowed, by, at, reason };
      const name = `${at.replaceAll(/[^0-9TZ]/g, '')}.${randomBytes(8).toString('hex')}.json`;
      await store.put(`${FOLDER}${sha256}/${name}`, Buffer.from(canonicalJson(entry)));
      return entry;
    },
    async page({ limit, after = '' }) {
      checkLimit(limit, MAX_ALLOWED);
      const hashes: string[] = [];
      for await (const hash of store.folders(FOLDER)) if (isSha256(hash) && hash > after) hashes.push(hash);
      const shown = hashes.sort().slice(0, limit);
      const entries: AllowEntry[] = [];
      for (const hash of shown) {
        const entry = await newest(hash);
        if (entry !== undefined) entries.push(entry);
      }
      return { entries, ...(hashes.length > limit && { next: shown.at(-1) as string }) };
    },
  };
}

/** @throws LedgerError `invalid` */
function checkHash(sha256: string): string {
  if (isSha256(sha256)) return sha256;
  throw new LedgerError('invalid', sha256, `${JSON.stringify(sha256)} is no SHA-256: it has 64 lower-case hex digits.`);
}

function parsed(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(name, 'it is no JSON', cause);
  }
}
