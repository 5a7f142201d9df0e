import type { ItemAction } from '../action.ts';
import type { JobState } from '../job.ts';
import type { Limits } from '../limits.ts';

/** A schedule: when scans of a connector are started, and with what. */

export const SCAN_MODES = ['full', 'incremental'] as const;
export type ScanMode = (typeof SCAN_MODES)[number];

/**
 * What becomes of a time that comes while the run before still goes.
 * - `skip`: it is left out, and counted
 * - `buffer_one`: one more run starts as soon as the run before has ended, however many times came meanwhile
 */
export const OVERLAPS = ['skip', 'buffer_one'] as const;
export type Overlap = (typeof OVERLAPS)[number];

/**
 * What becomes of the times of a stretch that is made up for.
 * - `skip`: one run for all of them
 * - `buffer_all`: one run for each, one after the other
 */
export const BACKFILLS = ['skip', 'buffer_all'] as const;
export type BackfillOverlap = (typeof BACKFILLS)[number];

/** Times of a day on certain days, each field as in cron. All fields must match. `minute` and `hour` are `0`, others `*`, where absent. */
export interface CalendarFields {
  readonly minute?: string;
  readonly hour?: string;
  readonly dayOfMonth?: string;
  readonly month?: string;
  readonly dayOfWeek?: string;
  readonly year?: string;
}

/** When: by `cron`, by `every` or by `calendars`, exactly one of them. */
export interface ScheduleSpec {
  /** Expressions of five fields; any of them. */
  readonly cron?: readonly string[];
  /** Seconds between two times, counted from 1970-01-01T00:00Z, `offset` seconds later. */
  readonly every?: number;
  readonly offset?: number;
  readonly calendars?: readonly CalendarFields[];
  /** Whose wall clock cron and calendars go by. Default: UTC. */
  readonly timeZone?: string;
  /** Each time is put off by a random length up to this, in seconds. */
  readonly jitter?: number;
  /** ISO 8601: no time before, none after. */
  readonly startAt?: string;
  readonly endAt?: string;
}

/** What a run asks its scan to be. What is absent is the connector's at the time of the run. */
export interface ScanChoice {
  readonly filter?: string;
  readonly action?: ItemAction;
  readonly quarantine?: string;
  readonly dryRun?: boolean;
  readonly maxSize?: number;
  readonly scanner?: string;
  readonly maxActions?: number;
  readonly maxActionsWindow?: number;
}

/** What is asked for: everything about a schedule that somebody chooses. */
export interface SchedulePlan {
  readonly id: string;
  readonly connector: string;
  readonly mode: ScanMode;
  readonly spec: ScheduleSpec;
  readonly overlap: Overlap;
  readonly scan: ScanChoice;
  readonly weight?: number;
  readonly limits?: Limits;
}

/** Where a schedule is kept: one of the configuration file is changed there alone. */
export const MANAGERS = ['api', 'file'] as const;
export type Manager = (typeof MANAGERS)[number];

/** A schedule as it is stored: the argument of its runs. */
export interface ScheduleDefinition extends SchedulePlan {
  readonly managed: Manager;
  /** Rises by one with every edit. */
  readonly revision: number;
  readonly createdBy: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedBy?: string;
  readonly updatedAt?: string;
}

/**
 * What became of a time.
 * - `waiting`: its run has begun, and has asked for no scan yet
 * - `started`: it started a scan
 * - `joined`: a scan with equal settings ran already; the run went along with it
 * - `skipped`: a scan ran that could not be joined
 * - `failed`: no scan could be asked for
 */
export const RUN_OUTCOMES = ['waiting', 'started', 'joined', 'skipped', 'failed'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** Why a run was skipped or failed: a code and a sentence. */
export const RUN_REASONS = ['scan_running', 'job_cancelling', 'schedule_invalid'] as const;
export type RunReason = (typeof RUN_REASONS)[number];

/** What a run notes of itself, where Temporal lists it. */
export interface RunNote {
  readonly outcome: RunOutcome;
  /** The scan that was started or joined, or that stood in the way. */
  readonly job?: string;
  /** How that scan ended, once the run knows. */
  readonly state?: JobState;
  readonly reason?: RunReason;
  readonly detail?: string;
}

/** A schedule's name: part of addresses and of workflow ids. `preview` is a route of its own. */
export const SCHEDULE_ID = /^(?!preview$)[a-z0-9-]{1,63}$/;
export const SCHEDULE_ID_TEXT = 'must be 1 to 63 lower-case letters, digits and hyphens, and not preview';

/** Times that came while nobody could take them are made up for within this, in seconds; older ones are left out. */
export const CATCH_UP_SECONDS = 3_600;
/** Shortest and longest `every`, longest jitter, in seconds. */
export const EVERY_RANGE = [5, 366 * 86_400] as const;
export const LONGEST_JITTER = 86_400;
/** Most expressions or calendars of a schedule. */
export const MOST_TIMES = 10;

/** Who a schedule's scans are started by. */
export function scheduleActor(id: string): string {
  return `schedule:${id}`;
}

/** True when two plans ask for the same. */
export function samePlan(a: SchedulePlan, b: SchedulePlan): boolean {
  return canonical(planOf(a)) === canonical(planOf(b));
}

/** The plan alone. */
export function planOf({ id, connector, mode, spec, overlap, scan, weight, limits }: SchedulePlan): SchedulePlan {
  return {
    id,
    connector,
    mode,
    spec,
    overlap,
    scan,
    ...(weight !== undefined && { weight }),
    ...(limits !== undefined && { limits }),
  };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
