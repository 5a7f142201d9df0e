import { randomUUID } from 'node:crypto';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Received } from '../domain/intake.ts';
import { jobIdOf } from '../domain/job-id.ts';
import { PUSHED_SHARD } from '../domain/remote.ts';
import {
  type EventsSignal,
  fullScanWorkflowId,
  ON_ACCESS,
  type OnAccessStart,
  onAccessWorkflowId,
  QUEUE,
  type StartRequest,
  WORKFLOW,
} from '../workflows/messages.ts';

/** Temporal has this long to take a page, in milliseconds. */
const DEADLINE_MS = 10_000;

/** What hands a page of events to its workflow, and starts that if it does not run. Rejects as the client does. */
export function createHandOver(client: Client): (signal: EventsSignal) => Promise<void> {
  return async (signal) => {
    const { start } = signal;
    const pushed = start.shard === PUSHED_SHARD;
    const workflowId = workflowIdOf(start.source.id, start.shard);
    await within(client, () =>
      client.workflow.signalWithStart(pushed ? WORKFLOW.remoteScan : WORKFLOW.onAccess, {
        workflowId,
        taskQueue: QUEUE.orchestrate,
        args: [pushed ? followUp(start) : start],
        signal: ON_ACCESS.events,
        signalArgs: [signal],
        staticSummary: `Events of ${start.source.id}`,
      }),
    );
  };
}

/** What a remote connector pushes for a scan goes to the one that runs. Where none does, this one takes what is left over. */
function followUp({ source, settings, site, bounds }: OnAccessStart): StartRequest {
  return {
    job: jobIdOf(new Date(), randomUUID()),
    kind: 'full',
    source,
    settings,
    ...(site !== undefined && { site }),
    actor: 'connector',
    pushed: { ask: false, ...(bounds?.idleMs !== undefined && { quietMs: bounds.idleMs }) },
  };
}

function workflowIdOf(source: string, shard: number): string {
  return shard === PUSHED_SHARD
    ? fullScanWorkflowId({ kind: 'connector', id: source })
    : onAccessWorkflowId(source, shard);
}

/** Asks the workflow of a source and shard which intake pages it got; undefined when there is none. Rejects as the client does. */
export function createReceived(client: Client): (source: string, shard: number) => Promise<Received | undefined> {
  return async (source, shard) => {
    try {
      const handle = client.workflow.getHandle(workflowIdOf(source, shard));
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
