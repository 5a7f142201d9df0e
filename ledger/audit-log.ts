import { randomBytes } from 'node:crypto';
import { checkLimit } from './cursor.ts';
import { LedgerError } from './errors.ts';
import { corrupt } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job, one folder a UTC day. Names rise with the time of their first entry. */
const FOLDER = '_audit/';
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const OBJECT = /^\d{9}\.[0-9a-f]{16}\.ndjson$/;
const CURSOR = /^(\d{4}-\d{2}-\d{2})\/(\d{9}\.[0-9a-f]{16}\.ndjson):(\d{1,6})$/;
/** Entries of one page at most, and objects that one page reads at most. */
export const MAX_AUDIT = 1_000;
const READ = 200;

/** One change of state, or an attempt at one. Holds no secret. */
export interface AuditEntry {
  readonly format: 1;
  /** When it was done, ISO 8601. */
  readonly at: string;
  /** Who, as jobs and decisions name the caller. */
  readonly actor: string;
  readonly role: string;
  /** Id of the key, where one was shown. */
  readonly key?: string;
  /** The caller's address, as far as this server sees it. */
  readonly from?: string;
  /** The route of the table, as `POST /jobs/:job/cancel`. */
  readonly action: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** What was asked for; of a large body only its hash and size. */
  readonly body?: unknown;
  /** HTTP status of the answer, and the code of its problem. */
  readonly status: number;
  readonly code?: string;
  /** The job that came of it. */
  readonly job?: string;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Present while there may be older ones. */
  readonly next?: string;
}

/** Who changed what. Append-only: every batch is an object of its own, written once, and nothing is ever taken away. */
export interface AuditLog {
  /** Writes entries down, in their order. They are durable when it resolves. @throws LedgerError */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** Newest first. `after`: the `next` of the page before. Entries may be few, or none, with `next`. @throws LedgerError */
  page(query: { readonly limit: number; readonly after?: string; readonly actor?: string }): Promise<AuditPage>;
}

export function isAuditCursor(after: string): boolean {
  return CURSOR.test(after);
}

export function createAuditLog(store: ObjectStore): AuditLog {
  async function sorted(names: AsyncIterable<string>, shape: RegExp, notAbove: string): Promise<string[]> {
    const found: string[] = [];
    for await (const name of names) if (shape.test(name) && name <= notAbove) found.push(name);
    return found.sort().reverse();
  }
  async function* objectsOf(day: string): AsyncGenerator<string, void, void> {
    const prefix = `${FOLDER}${day}/`;
    for await (const { name } of store.list(prefix)) yield name.slice(prefix.length);
  }

  return {
    async append(entries) {
      const [first] = entries;
      if (first === undefined) return;
      const at = new Date(first.at).toISOString();
      const name = `${at.slice(11, 23).replaceAll(/\D/g, '')}.${randomBytes(8).toString('hex')}.ndjson`;
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
      await store.put(`${FOLDER}${at.slice(0, 10)}/${name}`, Buffer.from(lines));
    },
    async page({ limit, after, actor }) {
      checkLimit(limit, MAX_AUDIT);
      const [, fromDay = '9', fromObject = '', index = ''] =
        after === undefined ? [] : (CURSOR.exec(after) ?? bad(after));
      const entries: AuditEntry[] = [];
      let read = 0;
      for (const day of await sorted(store.folders(FOLDER), DAY, fromDay)) {
        const first = after !== undefined && day === fromDay;
        for (const object of await sorted(objectsOf(day), OBJECT, first ? fromObject : '~')) {
          const whole = parsed(`${FOLDER}${day}/${object}`, await store.get(`${FOLDER}${day}/${object}`));
          const start = first && object === fromObject ? Math.min(Number(index), whole.length) : whole.length;
          for (let at = start - 1; at >= 0; at--) {
            const entry = whole[at] as AuditEntry;
            if (actor !== undefined && entry.actor !== actor) continue;
            entries.push(entry);
            if (entries.length === limit) return { entries, next: `${day}/${object}:${at}` };
          }
          read += 1;
          if (read === READ) return { entries, next: `${day}/${object}:0` };
        }
      }
      return { entries };
    },
  };
}

function parsed(name: string, bytes: Buffer): AuditEntry[] {
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  try {
    return lines.map((line) => JSON.parse(line) as AuditEntry);
  } catch (cause) {
    throw corrupt(name, 'a line of it is no JSON', cause);
  }
}

function bad(after: string): never {
  throw new LedgerError('invalid', after, `${JSON.stringify(after)} is no place in the audit log.`);
}
