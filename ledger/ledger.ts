import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from '../domain/errors.ts';
import { newestFirst, type Started } from '../domain/job-order.ts';
import { type AllowBook, createAllowBook } from './allow-book.ts';
import { canonicalJson } from './canonical-json.ts';
import { openDirectoryStore } from './directory-store.ts';
import { fromSystemError, isLedgerError, LedgerError } from './errors.ts';
import { JobLedger } from './job-ledger.ts';
import { JobObjects } from './job-objects.ts';
import { type JobSummary, summarize } from './job-summary.ts';
import { checkJob, HEADER_NAME, isJob, LEDGER_NAME } from './names.ts';
import { corrupt } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

export type { JobLedger } from './job-ledger.ts';
export type { JobSummary } from './job-summary.ts';

/** The durable record of every job. One for all processes that work together: they compare `id`. */
export interface Ledger {
  /** Made once with the ledger, a UUID. */
  readonly id: string;
  /** For people: path or URL. */
  readonly place: string;
  /** The ledger of one job, which need not exist yet. @throws LedgerError `invalid` for what is no job id */
  job(jobId: string): JobLedger;
  /** Notes, outside of every job, that a retry of this first job may begin. Repeating it is harmless. */
  noteRetry(first: string, retry: string): Promise<void>;
  /** The retries that were noted, in no particular order. One without a header never began. */
  retriesOf(first: string): Promise<readonly string[]>;
  /** Notes, outside of every job, that a restore of what findings of this job were moved for may begin. Repeating it is harmless. */
  noteRestore(found: string, restore: string): Promise<void>;
  /** The restores that were noted, in no particular order. One without a header never began. */
  restoresOf(found: string): Promise<readonly string[]>;
  /** What is allowed by hash, outside of every job. */
  readonly allowed: AllowBook;
  /** The jobs that have a header, newest first. */
  jobs(): AsyncIterable<JobSummary>;
  /** The same by id and start alone, which costs a listing, and a read for each header that is new. A damaged header has no start: ''. */
  starts(): Promise<readonly Started[]>;
  /** Everything that lies where jobs lie, in no particular order: also what never got a header. */
  folders(): AsyncIterable<string>;
  /**
   * Tries whether the ledger is still there and takes writes, by writing.
   * @throws LedgerError `no_space`, `not_writable`, `not_readable`, `not_there`, `unavailable`
   */
  probe(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** False: a ledger that is not there is an error, and nothing is written. Default true. */
  readonly create?: boolean;
}

/** What a probe writes, again and again: large enough that a full disk does not hide it in a spare block. */
const PROBE_NAME = 'probe.txt';
const PROBE = Buffer.from('Written to try whether the ledger takes writes.\n'.repeat(2_000));

/** Which jobs retry which: no job has a name that begins so. The proof is in the retries' own headers. */
const RETRIES = '_retries/';
/** Which jobs put back what findings of a job were moved for; likewise. */
const RESTORES = '_restores/';
/** Jobs whose reading state (known commits) is kept. */
const KEPT_JOBS = 64;

/**
 * Opens the ledger in a folder, making both if need be.
 * @throws LedgerError `not_found` (without `create`), `not_writable`, `not_readable`, `no_space`, `invalid`, `corrupt`
 */
export async function openLedger(root: string, options: OpenOptions = {}): Promise<Ledger> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(root)) {
    throw new LedgerError(
      'invalid',
      root,
      `The ledger must be a folder, and ${root} is a URL. Give the path of a folder.`,
    );
  }
  const create = options.create ?? true;
  if (create) {
    try {
      await mkdir(resolve(root), { recursive: true, mode: 0o700 });
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EEXIST' || code === 'ENOTDIR') {
        const what = `The ledger must be a folder, and ${resolve(root)} is a file, or leads through one. Configure another path.`;
        throw new LedgerError('invalid', resolve(root), what, { cause: error });
      }
      throw fromSystemError(error, 'write', resolve(root));
    }
  }
  return openLedgerStore(await openDirectoryStore(root), { create });
}

/** As `openLedger`, on a store of any kind. */
export async function openLedgerStore(store: ObjectStore, options: OpenOptions = {}): Promise<Ledger> {
  const id = await identify(store, options.create ?? true);
  const kept = new Map<string, JobLedger>();
  let begun: ReadonlyMap<string, string> = new Map();

  const job = (jobId: string): JobLedger => {
    const found = kept.get(jobId) ?? new JobLedger(new JobObjects(store, checkJob(jobId)));
    kept.delete(jobId);
    kept.set(jobId, found);
    if (kept.size > KEPT_JOBS) for (const oldest of [...kept.keys()].slice(0, 1)) kept.delete(oldest);
    return found;
  };

  /** A header is written once, so its start is read once. Each listing drops what is no longer there. */
  async function starts(): Promise<Started[]> {
    const found: Started[] = [];
    for await (const name of store.folders('')) {
      if (!isJob(name)) continue;
      const startedAt = begun.get(name) ?? (await startOf(store, name));
      if (startedAt !== undefined) found.push({ job: name, startedAt });
    }
    begun = new Map(found.filter(({ startedAt }) => startedAt !== '').map((one) => [one.job, one.startedAt]));
    return found.sort(newestFirst);
  }

  async function noted(folder: string, of: string): Promise<string[]> {
    const prefix = `${folder}${checkJob(of)}/`;
    const found: string[] = [];
    for await (const { name } of store.list(prefix)) found.push(name.slice(prefix.length));
    return found;
  }

  return {
    id,
    place: store.place,
    job,
    async noteRetry(first, retry) {
      const body = canonicalJson({ format: 1, first: checkJob(first), retry: checkJob(retry) });
      await store.put(`${RETRIES}${first}/${retry}`, Buffer.from(body));
    },
    retriesOf: (first) => noted(RETRIES, first),
    async noteRestore(found, restore) {
      const body = canonicalJson({ format: 1, found: checkJob(found), restore: checkJob(restore) });
      await store.put(`${RESTORES}${found}/${restore}`, Buffer.from(body));
    },
    restoresOf: (found) => noted(RESTORES, found),
    allowed: createAllowBook(store),
    starts,
    async *jobs() {
      for (const entry of await starts()) yield await summarize(job(entry.job));
    },
    async *folders() {
      for await (const name of store.folders('')) if (isJob(name)) yield name;
    },
    async probe() {
      const now = await identify(store, false).catch((error: unknown) => {
        throw isLedgerError(error, 'not_found') ? gone(store.place, error) : error;
      });
      if (now !== id) throw gone(store.place, undefined);
      await store.put(PROBE_NAME, PROBE);
    },
    close: () => Promise.resolve(),
  };
}

function gone(place: string, cause: unknown): LedgerError {
  const what = `The ledger at ${place} is no longer the one that was opened: removed, or its mount is missing. Bring it back.`;
  return new LedgerError('not_there', place, what, { cause });
}

async function identify(store: ObjectStore, create: boolean): Promise<string> {
  try {
    return idOf(await store.get(LEDGER_NAME));
  } catch (error) {
    if (!isLedgerError(error, 'not_found')) throw error;
    if (!create) {
      throw new LedgerError('not_found', store.place, `There is no ledger at ${store.place}. Check the path.`, {
        cause: error,
      });
    }
  }
  try {
    await store.put(LEDGER_NAME, Buffer.from(canonicalJson({ format: 1, id: randomUUID() })));
  } catch (error) {
    // Another process made it at the same moment: its id holds.
    if (!isLedgerError(error, 'conflict')) throw error;
  }
  return idOf(await store.get(LEDGER_NAME));
}

function idOf(bytes: Buffer): string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(LEDGER_NAME, 'it is no JSON', cause);
  }
  const body = value as { format?: unknown; id?: unknown } | null;
  if (body === null || typeof body !== 'object' || body.format !== 1 || typeof body.id !== 'string') {
    throw corrupt(LEDGER_NAME, 'it is no ledger of format 1');
  }
  return body.id;
}

/** When a job began; empty when its header is damaged; undefined when it has none. */
async function startOf(store: ObjectStore, name: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await store.get(`${name}/${HEADER_NAME}`);
  } catch (error) {
    if (isLedgerError(error, 'not_found')) return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(bytes.toString('utf8')) as { startedAt?: unknown };
    return typeof value.startedAt === 'string' ? value.startedAt : '';
  } catch {
    return '';
  }
}
