import { type ActionRow, noActions } from '../../domain/action.ts';
import { noCounters } from '../../domain/outcome.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { JobHeader } from '../../ledger/types.ts';
import { headerOf, WRITER } from './fixture.ts';

/** The row of a move that a test connector could undo: finding number `i` of the job `found`. */
export function movedRow(found: string, i: number, at: string, more: Partial<ActionRow> = {}): ActionRow {
  return {
    finding: `${found}/0-0:${i}`,
    item: `0-0:${i}`,
    location: `bad-${i}`,
    action: 'move',
    state: 'done',
    code: 'applied',
    version: `v${i}`,
    sha256: 'a'.repeat(64),
    undo: { kind: 'test' },
    by: 'action move',
    at,
    ...more,
  };
}

/** Writes a job that has committed these action rows, and not ended. */
export async function writeActed(
  ledger: Ledger,
  id: string,
  startedAt: string,
  rows: readonly ActionRow[],
  changes: Partial<JobHeader> = {},
): Promise<void> {
  const job = ledger.job(id);
  const { hash } = await job.writeHeader({ ...headerOf(id, { action: 'move' }), startedAt, ...changes });
  const counts = noActions();
  for (const { state } of rows) counts[state] += 1;
  const segment = await job.writeActions('b', rows, WRITER);
  const actions = rows.length === 0 ? [] : [{ segment, counts }];
  const empty = { indexes: [], pages: [], counters: noCounters() };
  await job.writeCommit({ format: 1, job: id, number: 1, previous: hash, actions, ...empty });
}
