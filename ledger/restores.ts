import type { ActionRow } from '../domain/action.ts';
import { pageActions } from './actions.ts';
import { isLedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import type { Ledger } from './ledger.ts';
import { MAX_ROWS } from './outcomes.ts';
import type { JobHeader } from './types.ts';

type Jobs = Pick<Ledger, 'job' | 'restoresOf'>;

/** Applies of applies: more are no ledger of ours. */
const MAX_ORDERS = 100;

/**
 * The job whose findings the actions of a job are about: the job itself, or what an apply job goes back to.
 * @throws LedgerError `corrupt`, `not_readable`, `unavailable`
 */
export async function foundBy(ledger: Pick<Ledger, 'job'>, header: JobHeader): Promise<string> {
  let found = header;
  for (let left = MAX_ORDERS; found.order !== undefined && left > 0; left--) {
    const { job } = found.order;
    const before = await ledger.job(job).header();
    if (before === undefined) return job;
    found = before;
  }
  return found.job;
}

/** Whether a row tells of something that its connector may undo. */
export function isUndoable(row: ActionRow): boolean {
  return row.state === 'done' && row.action !== 'restore' && row.undo !== undefined;
}

/** Every action row of a job that is `done`, in the order of the commits. @throws LedgerError */
export async function* doneRows(job: JobLedger): AsyncGenerator<ActionRow, void, void> {
  let after: string | undefined;
  do {
    const page = await pageActions(job, { state: 'done', limit: MAX_ROWS, ...(after !== undefined && { after }) });
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}

/** Items of a job's findings that a restore put back, with when that was last. */
export type Restored = ReadonlyMap<string, string>;

/** @param found the job whose findings they are (`foundBy`) @throws LedgerError */
export async function restoredItems(ledger: Jobs, found: string): Promise<Restored> {
  const restored = new Map<string, string>();
  for (const id of await ledger.restoresOf(found)) {
    const job = ledger.job(id);
    const header = await readable(job);
    if (header?.order?.why !== 'restore') continue;
    for await (const { item, at } of doneRows(job)) if (at > (restored.get(item) ?? '')) restored.set(item, at);
  }
  return restored;
}

/** Whether what a row tells was undone since. */
export function isRestored(row: ActionRow, restored: Restored): boolean {
  return (restored.get(row.item) ?? '') > row.at;
}

/**
 * The rows of a job that a restore puts back: of all of it those that were not put back since, or exactly the named items.
 * @throws LedgerError
 */
export async function* restorable(
  ledger: Jobs,
  of: string,
  items: ReadonlySet<string> | undefined,
): AsyncGenerator<ActionRow, void, void> {
  const job = ledger.job(of);
  const header = await job.header();
  if (header === undefined) return;
  const restored = items === undefined ? await restoredItems(ledger, await foundBy(ledger, header)) : new Map();
  for await (const row of doneRows(job)) {
    if (!isUndoable(row) || isRestored(row, restored)) continue;
    if (items === undefined || items.has(row.item)) yield row;
  }
}

/** A restore whose header is damaged counts for nothing: its own account says what it did. */
async function readable(job: JobLedger): Promise<JobHeader | undefined> {
  try {
    return await job.header();
  } catch (error) {
    if (isLedgerError(error, 'corrupt')) return undefined;
    throw error;
  }
}
