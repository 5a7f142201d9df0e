import { proxyActivities } from '@temporalio/workflow';
import type { PlanActivities } from '../activities/types.ts';
import type { CheckReport } from '../connectors/connector.ts';
import type { ItemAction } from '../domain/action.ts';
import type { Source } from '../domain/job.ts';
import { QUEUE, siteQueue } from './messages.ts';

/** A connector's check, carried out where its storage can be reached. */
export async function checkConnector(request: {
  readonly source: Source;
  readonly action: ItemAction;
  readonly quarantine?: string;
  readonly site?: string;
}): Promise<CheckReport> {
  const { checkSource } = proxyActivities<PlanActivities>({
    taskQueue: siteQueue(QUEUE.plan, request.site),
    scheduleToCloseTimeout: '1m',
    retry: { maximumAttempts: 1 },
  });
  const { source, action, quarantine } = request;
  return await checkSource({ source, action, ...(quarantine !== undefined && { quarantine }) });
}
