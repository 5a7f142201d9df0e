import type { ScheduleDescription } from '@temporalio/client';
import type { ScheduleDefinition } from '../domain/schedule/schedule.ts';

/** A schedule as Temporal keeps it now. Times are ISO 8601. */
export interface ScheduleView extends ScheduleDefinition {
  readonly paused: boolean;
  /** Why it is paused, or the note of the last pause or resume. */
  readonly note?: string;
  /** The next ten times, with their jitter. */
  readonly next: readonly string[];
  /** Ids of the runs that go on. */
  readonly running: readonly string[];
  readonly counts: ScheduleCounts;
}

/** Since the schedule was made. */
export interface ScheduleCounts {
  /** Runs that were begun. */
  readonly runs: number;
  /** Times that were left out because the run before went on. */
  readonly overlapped: number;
  /** Times that nobody could take within the catch-up window. */
  readonly missed: number;
}

/** Undefined for a schedule that is none of ours. */
export function viewOf(description: ScheduleDescription): ScheduleView | undefined {
  const [definition] = (description.action.args ?? []) as [ScheduleDefinition?];
  if (definition?.connector === undefined) return undefined;
  const { info, state } = description;
  return {
    ...definition,
    paused: state.paused,
    ...(state.note && { note: state.note }),
    next: state.paused ? [] : info.nextActionTimes.slice(0, 10).map((at) => at.toISOString()),
    running: info.runningActions.map((action) => action.workflow.workflowId),
    counts: {
      runs: info.numActionsTaken,
      overlapped: info.numActionsSkippedOverlap,
      missed: info.numActionsMissedCatchupWindow,
    },
  };
}
