import { Context } from '@temporalio/activity';
import type { ActionReport } from '../connectors/connector.ts';
import { type ActionIntent, type ActionRow, noActions } from '../domain/action.ts';
import { type Item, pageId } from '../domain/item.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import type { Writer } from '../ledger/types.ts';
import { itemOf, orderedBy, rowHead } from './action-row.ts';
import { connectorOf } from './asset.ts';
import type { WorkerDeps } from './deps.ts';
import { persistently } from './persistently.ts';
import { withPulse } from './pulse.ts';
import { rememberMade } from './remember-made.ts';
import { restoreActions } from './restore-actions.ts';
import { tryOut } from './try-action.ts';
import type { AppliedActions, ApplyActionsInput } from './types.ts';
import { writerOf } from './writer.ts';

/** A location that keeps changing under its findings is listed again at most so often in a row. */
export const MAX_RESCANS = 3;

/**
 * Carries out intents, one after the other, and writes down what the storage says afterwards; of a restore it undoes rows. Repeating
 * it is harmless.
 * @throws LedgerError
 */
export function createApplyActions(deps: WorkerDeps): (input: ApplyActionsInput) => Promise<AppliedActions> {
  return (input) =>
    withPulse(async (pulse) => {
      if (input.order?.why === 'restore') return await restoreActions(deps, input, pulse);
      const context = Context.current();
      const ledger = deps.ledger.job(input.job);
      const writer = writerOf(context.info);
      const connector = await connectorOf(deps, input, context.cancellationSignal);
      const intents = (await ledger.readIntents(input.intents)).slice(input.from, input.to);
      const rows: ActionRow[] = [];
      const again: Item[] = [];
      let unresolved = 0;
      for (const intent of intents) {
        await pulse.mayGoOn();
        if (input.settings.dryRun) {
          rows.push(await tryOut(connector, intent, input, context.cancellationSignal));
          continue;
        }
        const report = await persistently(() => connector.act(intent, context.cancellationSignal));
        rows.push(rowOf(intent, report, input));
        if (intent.action === 'tag') await rememberMade(deps.memory, input, intent.item, report, intent.judged.version);
        // An apply job scans nothing: what changed since is for the next scan.
        const rescan = input.order === undefined ? rescanOf(intent, report) : undefined;
        if (rescan !== undefined) again.push(rescan);
        else if (report.state !== 'done' && report.code !== 'not_found') unresolved += 1;
      }
      const counts = noActions();
      for (const row of rows) counts[row.state] += 1;
      const segment = await ledger.writeActions(`${input.rescanPage}`, rows, writer);
      const rescan = again.length === 0 ? undefined : await writeRescan(ledger, input, again, writer);
      return {
        result: { segment, counts, intents: input.intents },
        unresolved,
        ...(rescan !== undefined && { rescan }),
      };
    });
}

function rowOf(intent: ActionIntent, report: ActionReport, input: ApplyActionsInput): ActionRow {
  return {
    ...rowHead(intent),
    state: report.state,
    code: report.code,
    ...(report.note !== undefined && { note: report.note }),
    ...(report.destination !== undefined && { destination: report.destination }),
    ...(report.made !== undefined && { made: report.made }),
    ...(report.undo !== undefined && { undo: report.undo }),
    by: orderedBy(input.settings, input.order),
    at: new Date().toISOString(),
  };
}

/**
 * Another version is in place than the one that was judged, be it that it came first, or that a removal brought it up: it joins the job as
 * one more listed item.
 */
export function rescanOf(intent: ActionIntent, report: ActionReport): Item | undefined {
  const rescans = (intent.rescans ?? 0) + 1;
  const removed = report.state === 'done' && intent.action !== 'tag';
  if (!(removed || report.code === 'version_changed')) return undefined;
  if (report.current === undefined || rescans > MAX_RESCANS) return undefined;
  return { ...report.current, rescanOf: itemOf(intent), rescans };
}

async function writeRescan(ledger: JobLedger, input: ApplyActionsInput, items: readonly Item[], writer: Writer) {
  const page = pageId(1, input.rescanPage);
  const bytes = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
  const object = await ledger.writePage(page, items, writer);
  const index = await ledger.writeIndex(
    {
      format: 1,
      job: input.job,
      lane: 1,
      epoch: 0,
      pages: [{ page, object, items: items.length, bytes }],
      position: {},
      done: false,
      gaps: { count: 0, samples: [] },
      outside: 0,
    },
    writer,
  );
  return { index, items: items.length, bytes };
}
