import type { JobKind, JobState } from '../domain/job.ts';
import type { Degraded, JobList, JobResource } from './contract.ts';
import { formatPlace } from './job-place.ts';

/** Which jobs are listed: all that fit everything that is named. */
export interface JobFilter {
  /** Id of a connector or of a folder. */
  readonly source?: string | undefined;
  readonly state?: readonly JobState[] | undefined;
  readonly kind?: readonly JobKind[] | undefined;
}

/** Jobs that one call looks at: it answers with fewer than were asked for rather than to look at all there ever were. */
const MOST_LOOKED = 1_000;
/** Asked for at a time. */
const STEP = 200;

export function isFiltered({ source, state, kind }: JobFilter): boolean {
  return source !== undefined || state !== undefined || kind !== undefined;
}

function fits(job: JobResource, { source, state, kind }: JobFilter): boolean {
  if (source !== undefined && job.source.id !== source) return false;
  return (state?.includes(job.state) ?? true) && (kind?.includes(job.kind) ?? true);
}

/**
 * A page of the jobs that fit. While there may be more it has `next`, also when it has fewer jobs than `limit`, or none.
 * @param list a page of all jobs, newest first
 */
export async function filteredJobs(
  list: (limit: number, after: string | undefined) => Promise<JobList>,
  filter: JobFilter,
  limit: number,
  after: string | undefined,
): Promise<JobList> {
  const jobs: JobResource[] = [];
  const degraded = new Set<Degraded>();
  const unanswered: string[] = [];
  const page = (next?: string): JobList => ({
    jobs,
    ...(next !== undefined && { next }),
    ...(degraded.size > 0 && { degraded: [...degraded] }),
    ...(unanswered.length > 0 && { unanswered }),
  });
  let place = after;
  for (let looked = 0; looked < MOST_LOOKED; ) {
    const all = await list(STEP, place);
    for (const what of all.degraded ?? []) degraded.add(what);
    // What they are nobody can tell, so they may fit.
    unanswered.push(...(all.unanswered ?? []));
    for (const job of all.jobs) {
      looked += 1;
      if (!fits(job, filter)) continue;
      jobs.push(job);
      if (jobs.length === limit) return page(formatPlace(job));
    }
    if (all.next === undefined) return page();
    place = all.next;
  }
  return page(place);
}
