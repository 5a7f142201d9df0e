import { createHash } from 'node:crypto';
import { type Client, isGrpcCancelledError } from '@temporalio/client';
import { type ItemRef, locationBytes } from '../domain/item.ts';
import { ITEM_HOLD, itemHoldId, QUEUE, WORKFLOW } from '../workflows/messages.ts';

/** Who holds an item: the same work again, after its worker died, holds it still. */
export interface Holder {
  readonly client: Client;
  readonly source: string;
  /** Names the work: job and finding. */
  readonly name: string;
  /** Ends the wait for an item that somebody else holds. */
  readonly signal: AbortSignal;
}

/**
 * Does work on one item while nobody else who asks here does: a workflow, whose id stands for the item, is the hold. One that nobody
 * releases, since its job was terminated, ends by itself.
 * @throws the signal's reason, while it waits; what `work` and Temporal's client throw
 */
export async function holdingItem<T>(holder: Holder, item: ItemRef, work: () => Promise<T>): Promise<T> {
  const workflowId = itemHoldId(hashOf(holder.source, item));
  while (!(await taken(holder, workflowId))) await released(holder, workflowId);
  try {
    return await work();
  } finally {
    // One that ended meanwhile holds nothing; where Temporal is away it ends in time.
    await holder.client.workflow
      .getHandle(workflowId)
      .signal(ITEM_HOLD.release, holder.name)
      .catch(() => undefined);
  }
}

/** Never the location itself: ids are seen by whoever sees Temporal. */
function hashOf(source: string, item: ItemRef): string {
  return createHash('sha256').update(`${source}\0`).update(locationBytes(item)).digest('hex').slice(0, 32);
}

async function taken({ client, name }: Holder, workflowId: string): Promise<boolean> {
  const held = await client.workflow.start(WORKFLOW.itemHold, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [name],
    memo: { holder: name },
    workflowExecutionTimeout: ITEM_HOLD.longest,
    staticSummary: 'One item is being put back',
    priority: { priorityKey: 1 },
  });
  const { status, memo } = await held.describe();
  return status.name === 'RUNNING' && memo?.holder === name;
}

async function released({ client, signal }: Holder, workflowId: string): Promise<void> {
  try {
    await client.withAbortSignal(signal, () => client.workflow.getHandle(workflowId).result());
  } catch (error) {
    signal.throwIfAborted();
    if (isGrpcCancelledError(error)) throw error;
    // Ended in any way, it holds nothing any more; a server that is away fails the next question.
  }
}
