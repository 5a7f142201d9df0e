import type { OutcomeRow } from '../../domain/outcome.ts';
import type { Begun, Ledger } from '../../ledger/ledger.ts';
import { rowOf } from '../../ledger/newest-rows.ts';
import { type PushedLines, pushedKey, pushedRows } from '../../ledger/pushed-rows.ts';
import type { JobHeader } from '../../ledger/types.ts';
import { parseTaskId } from './identity.ts';
import { type PushTask, parsePushTask } from './push-task.ts';

/** Clocks of this server and of those that begin jobs may be apart by so much, in milliseconds. */
const APART_MS = 10 * 60_000;
/** Jobs that are looked at for what was pushed, from the one that ran then: others only have what that one left over. */
const MOST_JOBS = 50;

export interface TaskRow {
  readonly header: JobHeader;
  readonly row: OutcomeRow;
}

/** What became of the items of a task. */
export interface TaskRows {
  readonly rows: readonly TaskRow[];
  /** Items of the task, with a row or without one. */
  readonly items: number;
}

/** The rows of a task by its id, as far as there are any yet; undefined for an id that stands for nothing. @throws LedgerError */
export async function rowsOfTask(ledger: Ledger, task: string): Promise<TaskRows | undefined> {
  const pushed = parsePushTask(task);
  if (pushed !== undefined) return await rowsOfPush(ledger, pushed);
  const named = parseTaskId(task);
  if (named === undefined) return undefined;
  const job = ledger.job(named.job);
  const header = await job.header();
  const row = header === undefined ? undefined : await rowOf(job, named.item);
  return { rows: header === undefined || row === undefined ? [] : [{ header, row }], items: 1 };
}

async function rowsOfPush(ledger: Ledger, push: PushTask): Promise<TaskRows> {
  const items = push.lines.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const rows = new Map<string, TaskRow>();
  for (const { job: id } of candidates(await ledger.starts(), push)) {
    const job = ledger.job(id);
    const found = await pushedRows(job, push.lines);
    if (found.size === 0) continue;
    const header = await job.header();
    if (header === undefined) continue;
    for (const [key, row] of found) if (!rows.has(key)) rows.set(key, { header, row });
    if (rows.size >= items) break;
  }
  const inOrder = keysOf(push.lines).map((key) => rows.get(key));
  return { rows: inOrder.filter((row) => row !== undefined), items };
}

/** Jobs that can have it: the last one that had begun when it was written down, and those that came after, in this order. */
function candidates(starts: readonly Begun[], { uuid, ofScan, lines }: PushTask): readonly Begun[] {
  const since = Date.parse(`${lines[0]?.ref.slot}:00:00.000Z`) - APART_MS;
  const own = starts.filter(({ source, kind }) => source === uuid && kind === (ofScan ? 'full' : 'on-access'));
  const last = own.findIndex(({ startedAt }) => Date.parse(startedAt) <= since);
  return own
    .slice(0, last < 0 ? own.length : last + 1)
    .reverse()
    .slice(0, MOST_JOBS);
}

function keysOf(lines: readonly PushedLines[]): string[] {
  return lines.flatMap(({ ref, from, to }) =>
    Array.from({ length: to - from + 1 }, (_, at) => pushedKey(ref, from + at)),
  );
}
