import type { Client } from '@temporalio/client';
import { type EventsSignal, ON_ACCESS, onAccessWorkflowId, QUEUE, WORKFLOW } from '../workflows/messages.ts';

/** Temporal has this long to take a page, in milliseconds. */
const DEADLINE_MS = 10_000;

/** What hands a page of events to its workflow, and starts that if it does not run. Rejects as the client does. */
export function createHandOver(client: Client): (signal: EventsSignal) => Promise<void> {
  return async (signal) => {
    const { start } = signal;
    const workflowId = onAccessWorkflowId(start.source.id, start.shard);
    await client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
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
