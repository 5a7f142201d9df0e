import type { Started } from '../domain/job-order.ts';

/** The place behind a job, as `next` of a list carries it. */
export function formatPlace({ startedAt, job }: Started): string {
  return `${startedAt}_${job}`;
}

const PLACE = /^([0-9TZ:.+-]{0,40})_([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/;

/** Undefined for what is no place. */
export function parsePlace(text: string): Started | undefined {
  const match = PLACE.exec(text);
  return match === null ? undefined : { startedAt: match[1] ?? '', job: match[2] ?? '' };
}
