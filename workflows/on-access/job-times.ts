export { jobIdOf } from '../../domain/job-id.ts';

const DAY_MS = 86_400_000;
/** Pauses between jobs that fail: they grow from the first to the last of these, in milliseconds. */
const FIRST_REST_MS = 15_000;
const LAST_REST_MS = 3_600_000;

/** Milliseconds from `now` until the UTC day of a start is over; at least one. @param dayMs length of a day */
export function untilDayEnds(startedAt: string, now: number, dayMs = DAY_MS): number {
  const end = (Math.floor(Date.parse(startedAt) / dayMs) + 1) * dayMs;
  return Math.max(1, end - now);
}

/** How long to wait after so many failures in a row, in milliseconds. */
export function restPause(failures: number): number {
  return Math.min(LAST_REST_MS, FIRST_REST_MS * 2 ** Math.min(10, Math.max(0, failures - 1)));
}
