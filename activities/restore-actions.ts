import { Context } from '@temporalio/activity';
import type { ActionReport } from '../connectors/connector.ts';
import { type ActionRow, noActions } from '../domain/action.ts';
import { orderedBy, restoredHead } from './action-row.ts';
import { connectorOf } from './asset.ts';
import type { WorkerDeps } from './deps.ts';
import { withItemLock } from './lock-item.ts';
import { persistently } from './persistently.ts';
import type { Pulse } from './pulse.ts';
import { rememberMade } from './remember-made.ts';
import type { AppliedActions, ApplyActionsInput } from './types.ts';
import { writerOf } from './writer.ts';

/**
 * Puts back what item actions moved or tagged, one after the other, each with its item locked, and writes down what the storage
 * says afterwards. Repeating it is harmless.
 * @throws LedgerError, ConnectorError
 */
export async function restoreActions(
  deps: WorkerDeps,
  input: ApplyActionsInput,
  pulse: Pulse,
): Promise<AppliedActions> {
  const { client, info, cancellationSignal } = Context.current();
  const ledger = deps.ledger.job(input.job);
  const connector = await connectorOf(deps, input, cancellationSignal);
  const undone = (await ledger.readUndone(input.intents)).slice(input.from, input.to);
  const rows: ActionRow[] = [];
  for (const row of undone) {
    await pulse.mayGoOn();
    const name = `${input.job} ${row.finding}`;
    const owner = { client, source: input.source.id, name, signal: cancellationSignal };
    const report = await withItemLock(owner, row, async () => {
      await pulse.mayGoOn();
      return await persistently(() => connector.restore(row, cancellationSignal));
    });
    rows.push(rowOf(row, report, input));
    await rememberMade(deps.memory, input, row, report);
  }
  const counts = noActions();
  for (const row of rows) counts[row.state] += 1;
  const segment = await ledger.writeActions(`restored-${input.rescanPage}`, rows, writerOf(info));
  return { result: { segment, counts, intents: input.intents }, unresolved: rows.length - counts.done };
}

function rowOf(row: ActionRow, report: ActionReport, { settings, order }: ApplyActionsInput): ActionRow {
  return {
    ...restoredHead(row),
    state: report.state,
    code: report.code,
    ...(report.note !== undefined && { note: report.note }),
    ...(report.destination !== undefined && { destination: report.destination }),
    ...(report.made !== undefined && { made: report.made }),
    by: orderedBy(settings, order),
    at: new Date().toISOString(),
  };
}
