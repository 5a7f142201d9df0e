import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { onAccessWorkflowId } from '../../../workflows/messages.ts';
import { type Quantiles, quantiles } from '../quantiles.ts';

/** A step of the way, between `from` and `to` in ms since the epoch. */
interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** How long the steps of a connector's on-access workflow, all its runs, took, in ms, as its history has them. */
export async function stagesOf(
  temporalAddress: string,
  connector: string,
): Promise<(from: number, to: number) => ReadonlyMap<string, Quantiles>> {
  const connection = await Connection.connect({ address: temporalAddress });
  const steps: Step[] = [];
  try {
    const client = new Client({ connection });
    const workflowId = onAccessWorkflowId(connector, 0);
    for (let runId: string | undefined = (await client.workflow.getHandle(workflowId).describe()).runId; runId; ) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      steps.push(...stepsOf(events ?? []));
      runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
    }
  } finally {
    await connection.close();
  }
  return (from, to) => {
    const names = new Map<string, number[]>();
    for (const step of steps) {
      if (step.from < from || step.to > to) continue;
      names.set(step.name, [...(names.get(step.name) ?? []), Math.round(step.to - step.from)]);
    }
    return new Map([...names].map(([name, took]) => [name, quantiles(took)]));
  };
}

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

function stepsOf(events: readonly HistoryEvent[]): Step[] {
  const steps: Step[] = [];
  const at = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
    Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
  const activities = new Map<string, { type: string; at: number }>();
  const starts = new Map<string, number>();
  const tasks = new Map<string, number>();
  for (const event of events) {
    const when = at(event.eventTime);
    const scheduled = event.activityTaskScheduledEventAttributes;
    const started = event.activityTaskStartedEventAttributes;
    const completed = event.activityTaskCompletedEventAttributes;
    if (event.workflowTaskScheduledEventAttributes) tasks.set(String(event.eventId), when);
    const done = event.workflowTaskCompletedEventAttributes;
    if (done) {
      const from = tasks.get(String(done.scheduledEventId));
      if (from !== undefined) steps.push({ name: 'workflow task', from, to: when });
    }
    if (scheduled) activities.set(String(event.eventId), { type: scheduled.activityType?.name ?? '', at: when });
    const activity = activities.get(String(started?.scheduledEventId ?? completed?.scheduledEventId ?? ''));
    if (activity === undefined) continue;
    if (started) {
      starts.set(String(event.eventId), when);
      steps.push({ name: `${activity.type} waits`, from: activity.at, to: when });
    }
    const from = starts.get(String(completed?.startedEventId ?? ''));
    if (completed && from !== undefined) steps.push({ name: `${activity.type} works`, from, to: when });
  }
  return steps;
}
