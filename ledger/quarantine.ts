import type { ActionRow } from '../domain/action.ts';
import type { Source } from '../domain/job.ts';
import { comesBehind, type Started } from '../domain/job-order.ts';
import { pageActions } from './actions.ts';
import { checkLimit } from './cursor.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { MAX_ROWS } from './outcomes.ts';
import { doneRows, foundBy, isRestored, restoredItems } from './restores.ts';
import type { JobHeader } from './types.ts';

/** Jobs with item actions that one call reads at most; then it answers with what it has, and `next`. */
const MAX_JOBS = 100;

export interface QuarantineQuery {
  /** Id of the source; absent: all. */
  readonly source?: string;
  /** Rows, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** An item that a job moved, and nothing in the ledger put back. */
export interface Quarantined {
  readonly source: Source;
  readonly job: string;
  readonly row: ActionRow;
}

export interface QuarantinePage {
  readonly items: readonly Quarantined[];
  /** Present while there may be more, even when `items` is short or empty. */
  readonly next?: string;
}

/**
 * What is in quarantine, by the action rows: newest job first, within a job in the order of its commits. Nothing is asked of a
 * storage, so what somebody took out of a quarantine by hand is still named.
 * @throws LedgerError `invalid` (the query), `not_readable`, `unavailable`
 */
export async function pageQuarantine(ledger: Ledger, query: QuarantineQuery): Promise<QuarantinePage> {
  checkLimit(query.limit, MAX_ROWS);
  const place = query.after === undefined ? undefined : decode(query);
  const jobs = await movers(ledger, query.source);
  const items: Quarantined[] = [];
  let read = 0;
  for (const [at, mover] of jobs.entries()) {
    const resumed = place?.rows !== undefined && place.job === mover.job;
    if (!resumed && !comesBehind(mover, place)) continue;
    let after = resumed ? place?.rows : undefined;
    if (items.length === query.limit || read === MAX_JOBS) return { items, next: encode(query, jobs[at - 1]) };
    read += 1;
    const isGone = await goneOf(ledger, mover, jobs.slice(0, at));
    do {
      const limit = query.limit - items.length;
      if (limit === 0) return { items, next: encode(query, mover, after) };
      const page = await rowsOf(ledger, mover.job, limit, after);
      for (const row of page.rows) if (!isGone(row)) items.push({ source: mover.source, job: mover.job, row });
      after = page.next;
    } while (after !== undefined);
  }
  return { items };
}

/** What is in a damaged ledger is told by `verify`; a list goes on without it. */
async function rowsOf(ledger: Ledger, job: string, limit: number, after: string | undefined) {
  try {
    return await pageActions(ledger.job(job), { state: 'done', limit, ...(after !== undefined && { after }) });
  } catch (error) {
    if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) return { rows: [] };
    throw error;
  }
}

/** Tells whether a row is not to be named: the item was put back since, or a later job tells of the same move. */
async function goneOf(ledger: Ledger, mover: Mover, later: readonly Mover[]): Promise<(row: ActionRow) => boolean> {
  const restored = await restoredItems(ledger, mover.found);
  const told = new Set<string>();
  for (const { job, found } of later) {
    if (found !== mover.found) continue;
    for await (const row of doneRows(ledger.job(job))) told.add(row.item);
  }
  return (row) => !MOVES.has(row.action) || told.has(row.item) || isRestored(row, restored);
}

const MOVES: ReadonlySet<string> = new Set(['move', 'movetag']);

/** A job that may have moved something. */
interface Mover extends Started {
  readonly source: Source;
  /** The job whose findings it acted on. */
  readonly found: string;
}

/** What was found out of a job by its header, which never changes: a mover or none. */
const known = new WeakMap<Ledger, Map<string, Mover | 'none'>>();

/** The jobs that may have moved something, newest first. Costs a read for each header that is new. */
async function movers(ledger: Ledger, source: string | undefined): Promise<Mover[]> {
  const facts = known.get(ledger) ?? new Map<string, Mover | 'none'>();
  known.set(ledger, facts);
  const found: Mover[] = [];
  for (const started of await ledger.starts()) {
    const fact = facts.get(started.job) ?? (await factOf(ledger, started));
    facts.set(started.job, fact);
    if (fact !== 'none' && (source === undefined || fact.source.id === source)) found.push(fact);
  }
  return found;
}

async function factOf(ledger: Ledger, started: Started): Promise<Mover | 'none'> {
  try {
    const header = await ledger.job(started.job).header();
    if (header === undefined || !moves(header)) return 'none';
    return { ...started, source: header.source, found: await foundBy(ledger, header) };
  } catch (error) {
    if (isLedgerError(error, 'corrupt')) return 'none';
    throw error;
  }
}

function moves({ settings, order }: JobHeader): boolean {
  return MOVES.has(settings.action) && !settings.dryRun && order?.why !== 'restore' && order?.why !== 'rejected';
}

interface Place extends Started {
  /** Where the rows of this job go on; absent: behind the job. */
  readonly rows?: string;
}

function encode({ source = '' }: QuarantineQuery, at: Started | undefined, rows?: string): string {
  const place = [1, 'quarantine', source, at?.startedAt ?? '', at?.job ?? '', rows ?? ''];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @throws LedgerError `invalid` */
function decode({ after = '', source = '' }: QuarantineQuery): Place {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
  } catch {
    value = undefined;
  }
  const [version, kind, of, startedAt, job, rows] = Array.isArray(value) ? (value as unknown[]) : [];
  const sound = version === 1 && kind === 'quarantine' && of === source;
  if (sound && typeof startedAt === 'string' && typeof job === 'string' && typeof rows === 'string') {
    return { startedAt, job, ...(rows !== '' && { rows }) };
  }
  const what = 'This "after" was not made here, or for another source. Give what the page before returned as "next".';
  throw new LedgerError('invalid', 'quarantine', what);
}
