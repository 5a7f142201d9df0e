import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ItemRef, locationBytes } from '../domain/item.ts';
import { ITEM_LOCK, itemLockId, QUEUE, WORKFLOW } from '../workflows/messages.ts';

/** A lock that another work has is waited for so long; then the work gives its slot away, and is tried again. Milliseconds. */
const PATIENCE_MS = 20_000;

/** Who asks for the lock of an item. */
export interface LockOwner {
  readonly client: Client;
  readonly source: string;
  /** Names the work (job and finding): the same work again, after its worker died, has the lock still. */
  readonly name: string;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Does work on one item while nobody else who asks here does: a workflow, whose id stands for the item, is the lock. One that nobody
 * releases, since its job was terminated, ends by itself.
 * @throws ApplicationFailure `item_locked` (to be tried again); the signal's reason; what `work` and Temporal's client throw
 */
export async function withItemLock<T>(owner: LockOwner, item: ItemRef, work: () => Promise<T>): Promise<T> {
  const workflowId = itemLockId(hashOf(owner.source, item));
  const patience = AbortSignal.timeout(PATIENCE_MS);
  while (!(await taken(owner, workflowId))) await released(owner, workflowId, patience);
  try {
    return await work();
  } finally {
    // One that ended meanwhile locks nothing; where Temporal is away it ends in time.
    await owner.client.workflow
      .getHandle(workflowId)
      .signal(ITEM_LOCK.release, owner.name)
      .catch(() => undefined);
  }
}

/** Never the location itself: ids are seen by whoever sees Temporal. */
function hashOf(source: string, item: ItemRef): string {
  return createHash('sha256').update(`${source}\0`).update(locationBytes(item)).digest('hex').slice(0, 32);
}

async function taken({ client, name }: LockOwner, workflowId: string): Promise<boolean> {
  const lock = await client.workflow.start(WORKFLOW.itemLock, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [name],
    memo: { owner: name },
    workflowExecutionTimeout: ITEM_LOCK.longest,
    staticSummary: 'One item is being put back',
    priority: { priorityKey: 1 },
  });
  const { status, memo } = await lock.describe();
  return status.name === 'RUNNING' && memo?.owner === name;
}

async function released({ client, signal }: LockOwner, workflowId: string, patience: AbortSignal): Promise<void> {
  const ended = AbortSignal.any([signal, patience]);
  try {
    await client.withAbortSignal(ended, () => client.workflow.getHandle(workflowId).result());
  } catch {
    // Ended in any way, it locks nothing any more; a server that is away fails the next question.
  }
  signal.throwIfAborted();
  if (!patience.aborted) return;
  const message = `the item is locked by another operation (${workflowId})`;
  throw ApplicationFailure.create({ message, type: 'item_locked' });
}
