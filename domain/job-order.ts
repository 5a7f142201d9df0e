/** Where a job stands in a list of jobs. */
export interface Started {
  readonly startedAt: string;
  readonly job: string;
}

/** Newest start first; of one moment the greater id first. Every list of jobs is in this order. */
export function newestFirst(a: Started, b: Started): number {
  if (a.startedAt !== b.startedAt) return a.startedAt < b.startedAt ? 1 : -1;
  return a.job < b.job ? 1 : a.job > b.job ? -1 : 0;
}

/** Whether a job comes behind a place in that order; everything does when there is no place. */
export function comesBehind(job: Started, place: Started | undefined): boolean {
  return place === undefined || newestFirst(place, job) < 0;
}
