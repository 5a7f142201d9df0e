import type { JobState } from '../domain/job.ts';
import type { Limits } from '../domain/limits.ts';
import type {
  BackfillOverlap,
  CalendarFields,
  Manager,
  Overlap,
  RunOutcome,
  RunReason,
  ScanChoice,
  ScanMode,
  ScheduleSpec,
} from '../domain/schedule/schedule.ts';

/** When: `cron` (one expression or several), `every` (seconds) or `calendars`, exactly one of them. */
export interface WhenBody extends Omit<ScheduleSpec, 'cron'> {
  readonly cron?: string | readonly string[];
  readonly calendars?: readonly CalendarFields[];
}

/** What a schedule is made of. What is absent of the scan's settings is the connector's at the time of the run. */
export interface ScheduleBody extends WhenBody, ScanChoice {
  readonly connector: string;
  readonly mode?: ScanMode;
  readonly overlap?: Overlap;
  /** As in `POST /jobs`. */
  readonly weight?: number;
  readonly limits?: Limits;
}

/** `POST /schedules`, and `POST /schedules/preview`, which makes nothing. */
export interface CreateScheduleBody extends ScheduleBody {
  readonly id: string;
  readonly paused?: boolean;
  readonly note?: string;
}

/** `PUT /schedules/:id`: puts all of this in the place of what there was. */
export interface ReplaceScheduleBody extends ScheduleBody {
  /** The revision that was seen; another one is refused with `schedule_changed`. Needed where `If-Match` does not name it. */
  readonly revision?: number;
}

/** When a schedule that is not made yet would come. */
export interface SchedulePreview {
  readonly id: string;
  /** In words. */
  readonly when: string;
  /** The next ten times, without jitter. */
  readonly next: readonly string[];
}

export interface ScheduleResource {
  readonly id: string;
  readonly connector: string;
  readonly mode: ScanMode;
  readonly spec: ScheduleSpec;
  /** The spec in words. */
  readonly when: string;
  readonly overlap: Overlap;
  readonly scan: ScanChoice;
  readonly weight?: number;
  readonly limits?: Limits;
  readonly managed: Manager;
  readonly revision: number;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly updatedBy?: string;
  readonly updatedAt?: string;
  readonly paused: boolean;
  readonly note?: string;
  /** The next ten times, with jitter; none while paused. */
  readonly next: readonly string[];
  /** Ids of the runs that go on. */
  readonly running: readonly string[];
  /** Since it was made: runs begun, times left out because the run before went on, times missed for good. */
  readonly counts: { readonly runs: number; readonly overlapped: number; readonly missed: number };
  readonly links: { readonly self: string; readonly runs: string };
}

export interface ScheduleList {
  readonly schedules: readonly ScheduleResource[];
  readonly next?: string;
}

export interface BackfillBody {
  /** ISO 8601, both included. */
  readonly start: string;
  readonly end: string;
  /** Default `skip`: one run for all times of the stretch. */
  readonly overlap?: BackfillOverlap;
}

export interface ScheduleRunResource {
  /** Id of its workflow in Temporal. */
  readonly run: string;
  /** The time that it stands for. */
  readonly at: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly running: boolean;
  readonly outcome: RunOutcome;
  /** The job that was started or joined, or that stood in the way. */
  readonly job?: string;
  /** How the job ended. */
  readonly state?: JobState;
  readonly reason?: RunReason;
  readonly detail?: string;
}

/** Newest first. `counts`: all runs that Temporal still keeps, by outcome. */
export interface ScheduleRuns {
  readonly runs: readonly ScheduleRunResource[];
  readonly counts: Readonly<Record<RunOutcome, number>>;
}
