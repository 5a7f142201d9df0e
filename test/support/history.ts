import type { Client } from '@temporalio/client';

/** How many page turns of a run each worker process took up, by its identity. */
export async function pagesByWorker(client: Client, workflowId: string): Promise<Map<string, number>> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const pages = new Set<string>();
  const shares = new Map<string, number>();
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
    if (scheduled?.activityType?.name === 'scanPage') pages.add(String(event.eventId));
    if (!started?.identity || !pages.has(String(started.scheduledEventId))) continue;
    shares.set(started.identity, (shares.get(started.identity) ?? 0) + 1);
  }
  return shares;
}
