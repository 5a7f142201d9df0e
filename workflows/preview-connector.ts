import { proxyActivities } from '@temporalio/workflow';
import type { PlanActivities } from '../activities/types.ts';
import type { ObjectRef } from '../ledger/types.ts';
import { type PreviewRequest, QUEUE, siteQueue } from './messages.ts';

/** The first items that a scan would list, found where the storage can be reached: the reference of an answer in the ledger. */
export async function previewConnector({ site, ...input }: PreviewRequest): Promise<ObjectRef> {
  const { previewSource } = proxyActivities<PlanActivities>({
    taskQueue: siteQueue(QUEUE.plan, site),
    scheduleToCloseTimeout: '1m',
    retry: { maximumAttempts: 1 },
  });
  return await previewSource(input);
}
