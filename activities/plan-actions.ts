import { Context } from '@temporalio/activity';
import type { ActionIntent, ActionRow, ItemAction } from '../domain/action.ts';
import { noActions } from '../domain/action.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { PlanActionsInput, PlannedActions } from './types.ts';
import { writerOf } from './writer.ts';

/**
 * Writes down what is to be done to the malicious items of a closed page, before anything is done: intents, or in a dry
 * run the rows of a plan.
 * @throws LedgerError
 */
export function createPlanActions(deps: OrchestratorDeps): (input: PlanActionsInput) => Promise<PlannedActions> {
  return (input) => withPulse(() => plan(deps, input));
}

async function plan(deps: OrchestratorDeps, input: PlanActionsInput): Promise<PlannedActions> {
  const ledger = deps.ledger.job(input.job);
  const writer = writerOf(Context.current().info);
  const { action } = input.settings;
  const rows = (await ledger.readSegment(input.page.segment)).filter((row) => row.outcome === 'malicious');
  if (action === 'nothing' || rows.length === 0) return { count: 0 };
  const intents = rows.map((row) => intentOf(input, row, action));
  if (!input.settings.dryRun) {
    return { count: intents.length, intents: await ledger.writeIntents(input.page.page, intents, writer) };
  }
  const now = new Date().toISOString();
  const planned = intents.map((intent, i) => plannedRow(input, intent, rows[i]?.item ?? '', now));
  const segment = await ledger.writeActions(input.page.page, planned, writer);
  return { count: planned.length, rows: { segment, counts: { ...noActions(), planned: planned.length } } };
}

function intentOf(input: PlanActionsInput, row: OutcomeRow, action: Exclude<ItemAction, 'nothing'>): ActionIntent {
  if (row.judged === undefined || row.sha256 === undefined) {
    throw new TypeError(`row ${row.item} is malicious without a judged version`);
  }
  return {
    finding: `${input.job}/${row.item}`,
    item: {
      location: row.location,
      ...(row.locationBytes !== undefined && { locationBytes: row.locationBytes }),
    },
    judged: row.judged,
    action,
    ...((action === 'move' || action === 'movetag') && { destination: destinationOf(input.job, row.item) }),
    provenance: {
      job: input.job,
      connector: input.source.id,
      verdict: row.verdict?.verdict ?? row.outcome,
      ...(row.verdict?.threatType !== undefined && { threatType: row.verdict.threatType }),
      sha256: row.sha256,
      ...(row.scanner?.scanId !== undefined && { scanId: row.scanner.scanId }),
      standIn: row.scanner?.standIn ?? false,
      judgedAt: row.at,
    },
    ...(row.rescans !== undefined && { rescans: row.rescans }),
  };
}

/** Quarantine names come from the finding alone, never from the item's name. */
function destinationOf(job: string, item: string): string {
  return `${job}/${item.replace(':', '-')}.quarantined`;
}

function plannedRow(input: PlanActionsInput, intent: ActionIntent, item: string, at: string): ActionRow {
  return {
    finding: intent.finding,
    item,
    ...intent.item,
    action: intent.action,
    state: 'planned',
    version: intent.judged.version,
    ...(intent.destination !== undefined && { destination: intent.destination }),
    by: `dry run of ${input.settings.action}`,
    at,
  };
}
