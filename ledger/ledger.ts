import { randomUUID } from 'node:crypto';
import type { JobKind } from '../domain/job.ts';
import { newestFirst, type Started } from '../domain/job-order.ts';
import type { BucketAccess } from '../domain/ledger-place.ts';
import { type AllowBook, createAllowBook } from './allow-book.ts';
import { type Answers, createAnswers } from './answers.ts';
import { type AuditLog, createAuditLog } from './audit-log.ts';
import { canonicalJson } from './canonical-json.ts';
import { type ClearMarks, createClearMarks } from './clear-marks.ts';
import { type ConnectorBook, createConnectorBook } from './connector-book.ts';
import { type Cursors, createCursors } from './cursors.ts';
import { eachOf } from './each-of.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import { createIntakePages, type IntakePages } from './intake-pages.ts';
import { type Ends, JobLedger } from './job-ledger.ts';
import { JobObjects } from './job-objects.ts';
import { type JobSummary, summarize } from './job-summary.ts';
import { createKeyObjects, type KeyObjects } from './key-objects.ts';
import { checkJob, HEADER_NAME, isJob, LEDGER_NAME } from './names.ts';
import { corrupt } from './ndjson.ts';
import { openStore } from './open-store.ts';
import { createRemoteBook, type RemoteBook } from './remote-book.ts';
import { createRemoteState, type RemoteStateStore } from './remote-state.ts';
import { createResultCursors, type ResultCursors } from './result-cursors.ts';
import type { ObjectStore } from './store.ts';
import type { JobHeader } from './types.ts';

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
  /** Answers to short questions, outside of every job. */
  readonly answers: Answers;
  /** Events on their way to on-access scans, outside of every job. */
  readonly intake: IntakePages;
  /** Where sources of events go on, outside of every job. */
  readonly cursors: Cursors;
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
  /** How far results were sent out, outside of every job. */
  readonly results: ResultCursors;
  /** The connectors that were made through the API, outside of every job. */
  readonly connectors: ConnectorBook;
  /** The remote connectors that registered, outside of every job. */
  readonly remotes: RemoteBook;
  /** What remote connectors keep here for themselves, outside of every job. */
  readonly remoteState: RemoteStateStore;
  /** The objects of API keys, outside of every job. */
  readonly keys: KeyObjects;
  /** Who changed what, outside of every job. */
  readonly audit: AuditLog;
  /** What is no longer shown on the old routes, outside of every job. */
  readonly cleared: ClearMarks;
  /** The jobs that have a header, newest first. */
  jobs(): AsyncIterable<JobSummary>;
  /** The same by their headers alone, which costs a listing, and a read for each header that is new. */
  starts(): Promise<readonly Begun[]>;
  /** Everything that lies where jobs lie, in no particular order: also what never got a header. */
  folders(): AsyncIterable<string>;
  /** Makes sure that the ledger is still the one that was opened. @throws LedgerError as `probe` does */
  check(): Promise<void>;
  /**
   * Tries whether the ledger is still there and takes writes, by writing.
   * @throws LedgerError `no_space`, `not_writable`, `not_readable`, `not_there`, `credentials`, `unavailable`
   */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** A job by its header. */
export interface Begun extends Started {
  /** Empty when the header is damaged. */
  readonly startedAt: string;
  readonly kind?: JobKind;
  /** Id of the source. */
  readonly source?: string;
}

export interface OpenOptions {
  /** False: a ledger that is not there is an error, and nothing is written. Default true. */
  readonly create?: boolean;
  /** How a bucket is reached. */
  readonly access?: BucketAccess;
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
 * Opens the ledger at a place (see `openStore`), making it if need be; never a bucket.
 * @throws LedgerError `not_found` (without `create`), `not_writable`, `not_readable`, `no_space`, `not_there`, `credentials`, `unavailable`,
 * `invalid`, `corrupt`
 */
export async function openLedger(place: string, options: OpenOptions = {}): Promise<Ledger> {
  const store = await openStore(place, options.create ?? true, options.access);
  try {
    return await openLedgerStore(store, options);
  } catch (error) {
    await store.close?.();
    throw error;
  }
}

/** As `openLedger`, on a store of any kind. */
export async function openLedgerStore(store: ObjectStore, options: OpenOptions = {}): Promise<Ledger> {
  const id = await identify(store, options.create ?? true);
  const kept = new Map<string, JobLedger>();
  const ends: Ends = new Map();
  let begun: ReadonlyMap<string, Begun> = new Map();

  const job = (jobId: string): JobLedger => {
    const found = kept.get(jobId) ?? new JobLedger(new JobObjects(store, checkJob(jobId)), ends);
    kept.delete(jobId);
    kept.set(jobId, found);
    if (kept.size > KEPT_JOBS) for (const oldest of [...kept.keys()].slice(0, 1)) kept.delete(oldest);
    return found;
  };

  /** A header is written once, so its start is read once. Each listing drops what is no longer there. */
  async function starts(): Promise<Begun[]> {
    const names: string[] = [];
    for await (const name of store.folders('')) if (isJob(name)) names.push(name);
    const headers = await eachOf(names, (name) => begun.get(name) ?? startOf(store, name));
    const found = headers.filter((one) => one !== undefined);
    begun = new Map(found.filter(({ startedAt }) => startedAt !== '').map((one) => [one.job, one]));
    return found.sort(newestFirst);
  }

  async function noted(folder: string, of: string): Promise<string[]> {
    const prefix = `${folder}${checkJob(of)}/`;
    const found: string[] = [];
    for await (const { name } of store.list(prefix)) found.push(name.slice(prefix.length));
    return found;
  }
  const check = async (): Promise<void> => {
    const now = await identify(store, false).catch((error: unknown) => {
      throw isLedgerError(error, 'not_found') ? gone(store.place, error) : error;
    });
    if (now !== id) throw gone(store.place, undefined);
  };

  return {
    id,
    place: store.place,
    job,
    answers: createAnswers(store),
    intake: createIntakePages(store),
    cursors: createCursors(store),
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
    results: createResultCursors(store),
    connectors: createConnectorBook(store),
    remotes: createRemoteBook(store),
    remoteState: createRemoteState(store),
    keys: createKeyObjects(store),
    audit: createAuditLog(store),
    cleared: createClearMarks(store),
    starts,
    async *jobs() {
      for (const entry of await starts()) yield await summarize(job(entry.job));
    },
    async *folders() {
      for await (const name of store.folders('')) if (isJob(name)) yield name;
    },
    check,
    async probe() {
      await check();
      await store.put(PROBE_NAME, PROBE);
    },
    close: async () => store.close?.(),
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

/** What a job's header says of its start; undefined when it has none. */
async function startOf(store: ObjectStore, job: string): Promise<Begun | undefined> {
  let bytes: Buffer;
  try {
    bytes = await store.get(`${job}/${HEADER_NAME}`);
  } catch (error) {
    if (isLedgerError(error, 'not_found')) return undefined;
    throw error;
  }
  try {
    const { startedAt, kind, source } = JSON.parse(bytes.toString('utf8')) as Partial<JobHeader>;
    if (typeof startedAt !== 'string') return { job, startedAt: '' };
    return {
      job,
      startedAt,
      ...(typeof kind === 'string' && { kind }),
      ...(typeof source?.id === 'string' && { source: source.id }),
    };
  } catch {
    return { job, startedAt: '' };
  }
}
