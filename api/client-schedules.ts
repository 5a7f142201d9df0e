import type {
  BackfillBody,
  CreateScheduleBody,
  ReplaceScheduleBody,
  ScheduleList,
  SchedulePreview,
  ScheduleResource,
  ScheduleRuns,
} from './schedule-contract.ts';

/** The schedules, for `ApiClient`. */
export interface ScheduleClient {
  /** Checks a schedule and tells its next times; makes nothing. */
  previewSchedule(body: CreateScheduleBody): Promise<SchedulePreview>;
  createSchedule(body: CreateScheduleBody): Promise<ScheduleResource>;
  schedules(query?: { limit?: number; after?: string }): Promise<ScheduleList>;
  schedule(id: string): Promise<ScheduleResource>;
  /** Puts a whole definition in the place of the revision that it names. */
  replaceSchedule(id: string, body: ReplaceScheduleBody): Promise<ScheduleResource>;
  deleteSchedule(id: string): Promise<{ readonly id: string; readonly deleted: true }>;
  pauseSchedule(id: string, note?: string): Promise<ScheduleResource>;
  resumeSchedule(id: string, note?: string): Promise<ScheduleResource>;
  /** Begins a run now. `schedule_running` (409): one goes on, nothing was started. */
  triggerSchedule(id: string): Promise<ScheduleResource>;
  backfillSchedule(id: string, body: BackfillBody): Promise<ScheduleResource>;
  scheduleRuns(id: string, query?: { limit?: number }): Promise<ScheduleRuns>;
}

/** @param call method, path below the prefix, query and JSON body */
export function createScheduleClient(
  call: <T>(
    method: string,
    path: string,
    query?: Record<string, string | number | undefined>,
    body?: unknown,
  ) => Promise<T>,
): ScheduleClient {
  const path = (id: string, rest = ''): string => `/schedules/${encodeURIComponent(id)}${rest}`;
  const noted = (verb: string) => (id: string, note?: string) =>
    call<ScheduleResource>('POST', path(id, `/${verb}`), {}, note === undefined ? {} : { note });
  return {
    previewSchedule: (body) => call('POST', '/schedules/preview', {}, body),
    createSchedule: (body) => call('POST', '/schedules', {}, body),
    schedules: (query) => call('GET', '/schedules', query),
    schedule: (id) => call('GET', path(id)),
    replaceSchedule: (id, body) => call('PUT', path(id), {}, body),
    deleteSchedule: (id) => call('DELETE', path(id)),
    pauseSchedule: noted('pause'),
    resumeSchedule: noted('resume'),
    triggerSchedule: (id) => call('POST', path(id, '/trigger'), {}, {}),
    backfillSchedule: (id, body) => call('POST', path(id, '/backfill'), {}, body),
    scheduleRuns: (id, query) => call('GET', path(id, '/runs'), query),
  };
}
