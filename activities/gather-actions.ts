import { Context } from '@temporalio/activity';
import { type ActionIntent, type ActionRow, noActions } from '../domain/action.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import { restorable } from '../ledger/restores.ts';
import type { ActionResult } from '../ledger/types.ts';
import { itemOf, orderedBy, rowHead } from './action-row.ts';
import type { OrchestratorDeps } from './deps.ts';
import type { GatherActionsInput, GatheredActions } from './types.ts';
import { writerOf } from './writer.ts';

/** Intents of one object: each batch of actions reads the whole of it. */
const CHUNK = 500;

/**
 * Copies the intents that an order names from the ledger of the job that found them into the one of the job that carries them out,
 * so that its ledger stands for itself. What was rejected gets its rows at once.
 * @throws LedgerError
 */
export function createGatherActions(deps: OrchestratorDeps): (input: GatherActionsInput) => Promise<GatheredActions> {
  return async (input) => {
    if (input.order.why === 'restore') return await gatherRestore(deps, input);
    const { order, settings } = input;
    const from = deps.ledger.job(order.job);
    const ledger = deps.ledger.job(input.job);
    const writer = writerOf(Context.current().info);
    const batches: { intents: ActionResult['segment']; count: number }[] = [];
    const rows: ActionResult[] = [];
    const write = async (chunk: readonly ActionIntent[]): Promise<void> => {
      const intents = await ledger.writeIntents(`${order.why}-${batches.length + rows.length}`, chunk, writer);
      if (order.why !== 'rejected') {
        batches.push({ intents, count: chunk.length });
        return;
      }
      const facts = { by: orderedBy(settings, order), at: new Date().toISOString() };
      const refused = chunk.map((intent): ActionRow => {
        const note = order.reason === undefined ? {} : { note: order.reason };
        return { ...rowHead(intent), state: 'refused', code: 'rejected', ...note, ...facts };
      });
      const segment = await ledger.writeActions(`rejected-${rows.length}`, refused, writer);
      rows.push({ segment, counts: { ...noActions(), refused: refused.length }, intents });
    };
    let chunk: ActionIntent[] = [];
    const intents = input.picks === undefined ? planned(from, input.items) : picked(from, input.picks);
    for await (const intent of intents) {
      chunk.push(intent);
      if (chunk.length < CHUNK) continue;
      await write(chunk);
      chunk = [];
    }
    if (chunk.length > 0) await write(chunk);
    return { batches, rows };
  };
}

/** Copies the rows whose actions are to be undone, so that the restore's ledger too stands for itself. */
async function gatherRestore(deps: OrchestratorDeps, input: GatherActionsInput): Promise<GatheredActions> {
  const ledger = deps.ledger.job(input.job);
  const writer = writerOf(Context.current().info);
  const items = input.items === undefined ? undefined : new Set(input.items);
  const batches: { intents: ActionResult['segment']; count: number }[] = [];
  const write = async (rows: readonly ActionRow[]): Promise<void> => {
    const intents = await ledger.writeUndone(`restore-${batches.length}`, rows, writer);
    batches.push({ intents, count: rows.length });
  };
  let chunk: ActionRow[] = [];
  for await (const row of restorable(deps.ledger, input.order.job, items)) {
    chunk.push(row);
    if (chunk.length < CHUNK) continue;
    await write(chunk);
    chunk = [];
  }
  if (chunk.length > 0) await write(chunk);
  return { batches, rows: [] };
}

async function* picked(
  job: JobLedger,
  parts: NonNullable<GatherActionsInput['picks']>,
): AsyncGenerator<ActionIntent, void, void> {
  for (const { intents, picks } of parts) {
    const all = await job.readIntents(intents);
    for (const [first, last] of picks) yield* all.slice(first, last + 1);
  }
}

/** The intents of a plan, in the order in which they were planned. */
async function* planned(
  job: JobLedger,
  items: readonly string[] | undefined,
): AsyncGenerator<ActionIntent, void, void> {
  const wanted = items === undefined ? undefined : new Set(items);
  for await (const { body } of job.commits()) {
    for (const { segment, counts, intents } of body.actions) {
      if (intents === undefined || counts.planned === 0) continue;
      const rows = await job.readActions(segment);
      const here = new Set(rows.filter((row) => row.state === 'planned').map((row) => row.item));
      for (const intent of await job.readIntents(intents)) {
        const item = itemOf(intent);
        if (here.has(item) && (wanted === undefined || wanted.has(item))) yield intent;
      }
    }
  }
}
