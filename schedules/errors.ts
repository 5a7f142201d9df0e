import { CodedError } from '../domain/errors.ts';

/**
 * Why something about a schedule was not done.
 * - `schedule_not_found`, `schedule_exists`: by this id
 * - `schedule_changed`: it is not the revision that was named
 * - `schedule_managed`: it is kept in the configuration file, and changed there alone
 * - `schedule_running`: a run of it goes on, so another one would start nothing (`run` names it)
 */
export type ScheduleCode =
  | 'schedule_not_found'
  | 'schedule_exists'
  | 'schedule_changed'
  | 'schedule_managed'
  | 'schedule_running';

export class ScheduleError extends CodedError<ScheduleCode> {}
