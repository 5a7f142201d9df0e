import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { FAIRNESS_CHECK, type FairnessCheckRequest, QUEUE, WORKFLOW } from '../workflows/messages.ts';

/** Tasks of each of two keys, and how many of them are asked for: with fairness every other one is of the second key. */
const TASKS = 40;
const ASKED = 16;
/** Without fairness the second key comes after the first one but for the chance of a queue in several partitions. */
const LEAST_OF_SECOND = 4;
/** The server wants a time to wait for. Milliseconds. */
const ASK_MS = 5_000;
const KEYS = ['first', 'second'] as const;

/**
 * Whether the server honours fairness keys. It does not say so, and ignores them silently where it does not: so a workflow puts
 * tasks of two keys one after the other into a queue that nobody else serves, and their order tells. Takes a second or two, and
 * a worker for the workflow.
 * @throws what the client throws, also when no worker is there
 */
export async function honoursFairness(client: Client): Promise<boolean> {
  const queue = `dsx.fairness-check.${randomBytes(8).toString('hex')}`;
  const { namespace } = client.options;
  const request: FairnessCheckRequest = { queue, keys: KEYS, tasks: TASKS };
  const handle = await client.workflow.start(WORKFLOW.checkFairness, {
    workflowId: `check-fairness:${queue}`,
    taskQueue: QUEUE.orchestrate,
    args: [request],
    workflowExecutionTimeout: '30s',
    staticSummary: 'Does this server honour fairness keys?',
  });
  try {
    await handle.executeUpdate(FAIRNESS_CHECK.queued);
    let second = 0;
    for (let asked = 0; asked < ASKED; asked++) {
      const { priority } = await client.withDeadline(Date.now() + ASK_MS, () =>
        client.connection.workflowService.pollActivityTaskQueue({
          namespace,
          taskQueue: { name: queue },
          identity: 'dsx-connect fairness check',
        }),
      );
      if (priority?.fairnessKey === KEYS[1]) second += 1;
    }
    return second >= LEAST_OF_SECOND;
  } finally {
    await handle.signal(FAIRNESS_CHECK.done).catch(() => undefined);
  }
}
