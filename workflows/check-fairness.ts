import {
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { FAIRNESS_CHECK, type FairnessCheckRequest } from './messages.ts';

interface Nothing {
  nothing(): Promise<void>;
}

const queuedUpdate = defineUpdate<void>(FAIRNESS_CHECK.queued);
const doneSignal = defineSignal(FAIRNESS_CHECK.done);

/** The server puts tasks into a queue a moment after they were scheduled. Milliseconds. */
const QUEUED_WITHIN_MS = 500;
const LONGEST = '15s';

/**
 * Puts tasks of one fairness key into a queue that no worker serves, and then as many of another. Whoever asks that queue for
 * work sees by their order whether the server honours the keys. Nothing is ever carried out.
 */
export async function checkFairness({ queue, keys, tasks }: FairnessCheckRequest): Promise<void> {
  let queued = false;
  let done = false;
  setHandler(queuedUpdate, () => condition(() => queued));
  setHandler(doneSignal, () => {
    done = true;
  });
  const scope = new CancellationScope();
  for (const fairnessKey of keys) {
    const { nothing } = proxyActivities<Nothing>({
      taskQueue: queue,
      scheduleToCloseTimeout: LONGEST,
      cancellationType: 'TRY_CANCEL',
      retry: { maximumAttempts: 1 },
      priority: { fairnessKey },
    });
    scope.run(() => Promise.allSettled(Array.from({ length: tasks }, () => nothing()))).catch(() => undefined);
    await sleep(QUEUED_WITHIN_MS);
  }
  queued = true;
  await condition(() => done, LONGEST);
  scope.cancel();
}
