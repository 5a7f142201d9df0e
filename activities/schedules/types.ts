import type { JobState } from '../../domain/job.ts';
import type { RunNote, ScheduleDefinition } from '../../domain/schedule/schedule.ts';

export interface StartScheduledScanInput {
  readonly definition: ScheduleDefinition;
  /** Id of the workflow that is told of the scan's end. */
  readonly waiter: string;
  /** Of which the job's id is made, so that a start that is tried again is the same: Unix time in milliseconds, and a UUID. */
  readonly now: number;
  readonly random: string;
}

export interface LookAtScanInput {
  readonly definition: ScheduleDefinition;
  readonly job: string;
}

/** Whether a scan goes on, and how it ended where that is known. */
export interface SeenScan {
  readonly open: boolean;
  readonly state?: JobState;
}

/** What the runs of schedules have done. */
export interface ScheduleActivities {
  startScheduledScan(input: StartScheduledScanInput): Promise<RunNote>;
  lookAtScan(input: LookAtScanInput): Promise<SeenScan>;
}
