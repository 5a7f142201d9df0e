import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { IntakeError } from '../intake/intake.ts';
import type { Wake } from '../intake/wake.ts';
import { WATCH, watchWorkflowId } from '../workflows/messages.ts';

/** A watch that is not there is begun within a minute. */
const NOT_THERE_MS = 60_000;
const UNREACHABLE_MS = 10_000;
/** Graph waits for ten seconds. */
const DEADLINE_MS = 5_000;

/** Wakes the workflow that watches a connector. */
export function createWake(client: Client): Wake {
  return {
    async wake(connector, reason) {
      try {
        const watch = client.workflow.getHandle(watchWorkflowId(connector));
        await client.withDeadline(Date.now() + DEADLINE_MS, () => watch.signal(WATCH.wake, reason));
      } catch (cause) {
        const isGone = cause instanceof WorkflowNotFoundError;
        const why = isGone ? `nothing watches ${connector} yet` : 'Temporal can not be reached';
        throw new IntakeError('unavailable', why, isGone ? NOT_THERE_MS : UNREACHABLE_MS, { cause });
      }
    },
  };
}
