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

/** One run of a workflow: the builds of the workers that completed its workflow tasks, in the order of their coming. */
export interface RunVersions {
  readonly runId: string;
  readonly builds: readonly string[];
}

/** All runs of a workflow, first to last. */
export async function versionsOfRuns(client: Client, workflowId: string): Promise<RunVersions[]> {
  const runs: RunVersions[] = [];
  const { runId: last } = await client.workflow.getHandle(workflowId).describe();
  for (let runId: string | undefined = last; runId; ) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const builds = (events ?? []).map(
      (event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId,
    );
    runs.unshift({ runId, builds: [...new Set(builds.filter((build): build is string => Boolean(build)))] });
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  }
  return runs;
}

/** All that the last run of a workflow has in its history, payloads too, as one text. */
export async function historyText(client: Client, workflowId: string): Promise<string> {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('utf8'));
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  collect(await client.workflow.getHandle(workflowId).fetchHistory());
  return texts.join('\n');
}
