import { Context } from '@temporalio/activity';
import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ActionRow, noActions } from '../domain/action.ts';
import { messageOf } from '../domain/errors.ts';
import { type AskAnswer, type AskRequest, GATE, gateWorkflowId, QUEUE, WORKFLOW } from '../workflows/messages.ts';
import { orderedBy, rowHead } from './action-row.ts';
import type { OrchestratorDeps } from './deps.ts';
import type { AskActionsInput, AskedActions } from './types.ts';
import { writerOf } from './writer.ts';

/** The gate answers at once; one that does not is asked again. */
const ANSWER_MS = 60_000;

/**
 * Asks the source's gate whether intents may be carried out, and writes rows for those that may not. Repeating it gets the same
 * answer, so that nothing is permitted twice, or waits twice.
 * @throws LedgerError; ApplicationFailure `gate_unreachable` (to be tried again)
 */
export function createAskActions(deps: OrchestratorDeps): (input: AskActionsInput) => Promise<AskedActions> {
  return async ({ job, source, settings, site, intents, from, to }) => {
    const context = Context.current();
    const request = { source, ...(site !== undefined && { site }), job, settings, intents, from, to };
    const { granted, waiting } = await ask(context.client, request);
    if (from + granted >= to) return { granted, dropped: 0 };
    const ledger = deps.ledger.job(job);
    const held = (await ledger.readIntents(intents)).slice(from + granted, to);
    const facts = { by: orderedBy(settings, undefined), at: new Date().toISOString() };
    const rows = held.map((intent, i): ActionRow => {
      if (i < waiting) return { ...rowHead(intent), state: 'awaiting-approval', ...facts };
      const note = 'the list of what waits for approval is full: decide about it, and scan again';
      return { ...rowHead(intent), state: 'refused', code: 'too_many_waiting', note, ...facts };
    });
    const dropped = rows.length - waiting;
    const segment = await ledger.writeActions(`held-${from}`, rows, writerOf(context.info));
    const counts = { ...noActions(), 'awaiting-approval': waiting, refused: dropped };
    return { granted, held: { segment, counts, intents }, dropped };
  };
}

async function ask(client: Client, request: AskRequest): Promise<AskAnswer> {
  const { source, job, intents, from, to } = request;
  const operation = new WithStartWorkflowOperation(WORKFLOW.actionGate, {
    workflowId: gateWorkflowId(source.id),
    taskQueue: QUEUE.orchestrate,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [source],
    staticSummary: `Item actions of ${source.id}: what waits for approval`,
    priority: { priorityKey: 1 },
  });
  // Nobody waits for the handle; its failure is the failure of the call.
  operation.workflowHandle().catch(() => undefined);
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS, () =>
      client.workflow.executeUpdateWithStart<() => Promise<unknown>, AskAnswer, [AskRequest]>(GATE.ask, {
        args: [request],
        updateId: `${job} ${intents.hash} ${from}-${to}`,
        startWorkflowOperation: operation as never,
      }),
    );
  } catch (error) {
    // Also a gate that ended at this moment: asking again starts the next one.
    const message = `the gate of ${source.id} did not answer: ${messageOf(error)}`;
    throw ApplicationFailure.create({ message, type: 'gate_unreachable', cause: error as Error });
  }
}
