import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { RUN_OUTCOMES, type RunNote, type RunOutcome } from '../domain/schedule/schedule.ts';
import { RUN_MEMO, SEARCH_ATTRIBUTE, WORKFLOW } from '../workflows/messages.ts';

/** A run of a schedule as Temporal lists it (which lags by a second or so). Times are ISO 8601. */
export interface ScheduleRun extends RunNote {
  /** Id of its workflow. */
  readonly run: string;
  /** The time that it stands for. */
  readonly at: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** It waits for its scan, or for a worker. */
  readonly running: boolean;
}

/** How many runs came to each outcome, as long as Temporal keeps them. */
export type RunCounts = Readonly<Record<RunOutcome, number>>;

const STARTED_FOR = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** The last runs of a schedule, newest first, at most `limit`. @throws what the client throws */
export async function scheduleRuns(client: Client, schedule: string, limit: number): Promise<ScheduleRun[]> {
  const runs: ScheduleRun[] = [];
  // A run that continued as new is listed once, as the run that it became.
  const query = `${queryOf(schedule)} AND ExecutionStatus != "ContinuedAsNew"`;
  for await (const found of client.workflow.list({ query, pageSize: Math.min(limit, 1_000) })) {
    const { workflowId, startTime, closeTime, status, memo, typedSearchAttributes } = found;
    const note = (memo?.[RUN_MEMO] ?? { outcome: 'waiting' }) as RunNote;
    const running = status.name === 'RUNNING';
    // Ended before it could note anything: cancelled or terminated from outside.
    const outcome = !running && note.outcome === 'waiting' ? 'failed' : note.outcome;
    runs.push({
      ...note,
      outcome,
      run: workflowId,
      at: (typedSearchAttributes.get(STARTED_FOR) ?? startTime).toISOString(),
      startedAt: startTime.toISOString(),
      ...(closeTime !== undefined && { endedAt: closeTime.toISOString() }),
      running,
    });
    if (runs.length >= limit) break;
  }
  return runs;
}

/** @throws what the client throws */
export async function countRuns(client: Client, schedule: string): Promise<RunCounts> {
  const counts = await Promise.all(
    RUN_OUTCOMES.map(async (outcome) => {
      const query = `${queryOf(schedule)} AND ${SEARCH_ATTRIBUTE.state} = "${outcome}" AND ExecutionStatus != "ContinuedAsNew"`;
      return [outcome, (await client.workflow.count(query)).count] as const;
    }),
  );
  return Object.fromEntries(counts) as RunCounts;
}

function queryOf(schedule: string): string {
  return `WorkflowType = "${WORKFLOW.scheduledScan}" AND ${SEARCH_ATTRIBUTE.schedule} = "${schedule}"`;
}
