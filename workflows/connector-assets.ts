import { proxyActivities } from '@temporalio/workflow';
import type { PlanActivities } from '../activities/types.ts';
import type { ObjectRef } from '../ledger/types.ts';
import { type AssetsRequest, QUEUE, siteQueue } from './messages.ts';

/** What a connector's credentials could scan, found where its storage can be reached: the reference of an answer in the ledger. */
export async function connectorAssets({ site, ...input }: AssetsRequest): Promise<ObjectRef> {
  const { listAssets } = proxyActivities<PlanActivities>({
    taskQueue: siteQueue(QUEUE.plan, site),
    scheduleToCloseTimeout: '1m',
    retry: { maximumAttempts: 1 },
  });
  return await listAssets(input);
}
