import { Context } from '@temporalio/activity';
import { type ActionIntent, type ActionRow, type ItemAction, noActions } from '../domain/action.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { orderedBy, rowHead } from './action-row.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { PlanActionsInput, PlannedActions } from './types.ts';
import { writerOf } from './writer.ts';

/**
 * Writes down what is to be done to the malicious items of a closed page, before anything is done; in a dry run the rows of a
 * plan besides, from which an apply job may carry out the intents later.
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
  const written = await ledger.writeIntents(input.page.page, intents, writer);
  if (!input.settings.dryRun) return { count: intents.length, intents: written };
  const at = new Date().toISOString();
  const planned = intents.map((intent): ActionRow => {
    const { destination } = intent;
    const by = orderedBy(input.settings, undefined);
    return { ...rowHead(intent), state: 'planned', ...(destination !== undefined && { destination }), by, at };
  });
  const segment = await ledger.writeActions(input.page.page, planned, writer);
  const counts = { ...noActions(), planned: planned.length };
  return { count: planned.length, intents: written, rows: { segment, counts, intents: written } };
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
