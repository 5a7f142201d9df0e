import type { OutcomeRow } from '../../domain/outcome.ts';
import { LedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { ObjectRef, Writer } from '../../ledger/types.ts';
import type { PageRun } from './page-run.ts';

/**
 * Writes the one segment of a page whose items all have rows: those of this dispatch and those of its earlier parts, in order.
 * @throws LedgerError
 */
export async function closePage(
  ledger: JobLedger,
  run: PageRun,
  writer: Writer,
): Promise<{ segment: ObjectRef; rows: OutcomeRow[] }> {
  const byOrdinal: (OutcomeRow | undefined)[] = new Array(run.items.length);
  if (run.resumed && run.part !== undefined) {
    for (const row of await ledger.readParts(run.part)) byOrdinal[ordinalOf(row)] = row;
  }
  for (const [ordinal, row] of run.rows) byOrdinal[ordinal] = row;
  const rows = byOrdinal.filter((row) => row !== undefined);
  if (rows.length !== run.items.length) {
    throw new LedgerError(
      'corrupt',
      run.part ?? run.page,
      `Page ${run.page} has ${rows.length} rows for ${run.items.length} items.`,
    );
  }
  return { segment: await ledger.writeSegment(run.page, rows, writer), rows };
}

function ordinalOf(row: OutcomeRow): number {
  return Number(row.item.slice(row.item.indexOf(':') + 1));
}
