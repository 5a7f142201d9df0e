import { z } from 'zod';
import type { OutcomeRow } from '../../domain/outcome.ts';
import type { TaskRows } from './task-rows.ts';

/** How a task stands, in the words of the former product. */
export const taskState = z.looseObject({
  task_id: z.string(),
  state: z.enum(['PENDING', 'SUCCESS', 'FAILURE']),
  status: z.enum(['pending', 'success', 'error']),
  result: z.string().nullable().optional(),
  error: z.string().optional(),
  // New.
  items: z
    .array(z.object({ job: z.string(), item: z.string(), outcome: z.string(), stand_in: z.boolean() }))
    .optional(),
});
export type TaskState = z.output<typeof taskState>;

/** Outcomes of one error that are named. */
const MOST_NAMED = 5;

/**
 * `SUCCESS` only once each item of it was judged by a scanner; `FAILURE` once each has its row, and one was not judged, with the reason;
 * `PENDING` until then, and of what nobody knows.
 */
export function stateOf(task: string, found: TaskRows | undefined): TaskState {
  if (found === undefined || found.rows.length < found.items) {
    return { task_id: task, state: 'PENDING', status: 'pending' };
  }
  const items = found.rows.map(({ header, row }) => ({
    job: header.job,
    item: row.item,
    outcome: row.outcome,
    stand_in: row.scanner?.standIn ?? false,
  }));
  const others = found.rows.map(({ row }) => row).filter((row) => !isJudged(row));
  if (others.length === 0) return { task_id: task, state: 'SUCCESS', status: 'success', result: 'SUCCESS', items };
  const result = others.every(isTooLarge) ? 'SKIPPED_FILE_TOO_LARGE' : null;
  return { task_id: task, state: 'FAILURE', status: 'error', result, error: errorOf(others, found.items), items };
}

/** A scanner had its bytes, and answered. */
function isJudged({ judged }: OutcomeRow): boolean {
  return judged !== undefined;
}

function isTooLarge({ outcome, reason }: OutcomeRow): boolean {
  return (outcome === 'unscannable' && reason === 'file_too_large') || (outcome === 'skipped' && reason === 'size');
}

function errorOf(rows: readonly OutcomeRow[], items: number): string {
  const words = [
    ...new Set(rows.map(({ outcome, reason }) => (reason === undefined ? outcome : `${outcome}: ${reason}`))),
  ];
  const named = words.slice(0, MOST_NAMED).join(', ');
  return items === 1 ? named : `${rows.length} of ${items} items were not judged (${named})`;
}
