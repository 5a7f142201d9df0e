import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Received } from '../domain/intake.ts';
import { type EventsSignal, ON_ACCESS, onAccessWorkflowId, QUEUE, WORKFLOW } from '../workflows/messages.ts';

/** Temporal has this long to take a page, in milliseconds. */
const DEADLINE_MS = 10_000;

/** What hands a page of events to its workflow, and starts that if it does not run. Rejects as the client does. */
export function createHandOver(client: Client): (signal: EventsSignal) => Promise<void> {
  return async (signal) => {
    const { start } = signal;
    const workflowId = onAccessWorkflowId(start.source.id, start.shard);
    await within(client, () =>
      client.workflow.signalWithStart(WORKFLOW.onAccess, {
        workflowId,
        taskQueue: QUEUE.orchestrate,
        args: [start],
        signal: ON_ACCESS.events,
        signalArgs: [signal],
        staticSummary: `Events of ${start.source.id}`,
      }),
    );
  };
}

/** Asks the workflow of a source and shard which intake pages it got; undefined when there is none. Rejects as the client does. */
export function createReceived(client: Client): (source: string, shard: number) => Promise<Received | undefined> {
  return async (source, shard) => {
    try {
      const handle = client.workflow.getHandle(onAccessWorkflowId(source, shard));
      return await within(client, () => handle.query<Received>(ON_ACCESS.received));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
}

/** The client tries an unavailable server again beyond its deadline, so the deadline is kept here too. */
async function within<T>(client: Client, call: () => Promise<T>): Promise<T> {
  const answer = client.connection.withDeadline(Date.now() + DEADLINE_MS, call);
  answer.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Temporal gave no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
