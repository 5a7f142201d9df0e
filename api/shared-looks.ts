import type { StatusStore } from '../status/status.ts';
import { createBriefMemo } from './brief-memo.ts';
import type { JobResource } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { Jobs } from './jobs.ts';

/** For how long event streams share what one of them has seen, in milliseconds: less than the pause between two looks. */
const SHARED_MS = 400;
const MOST = 2_000;

type Found = Awaited<ReturnType<StatusStore['findings']>>;

/** What event streams look at: however many watch a job, it is asked for once. */
export interface SharedLooks {
  /**
   * A job as it was at most 400 ms ago; with `change`, the id of a change, as it was after that.
   * @throws as `Jobs.get`
   */
  job(job: string, change?: string): Promise<JobResource>;
  /** The figures of a job as JSON; equal answers of `job` are written once. */
  text(job: JobResource): string;
  /** Findings behind a place, at most `limit`, as of `seen`. @throws StatusUnavailable */
  findings(seen: JobResource, after: string | undefined, limit: number): Promise<Found>;
}

export function createSharedLooks({ status }: Pick<ApiDeps, 'status'>, jobs: Pick<Jobs, 'get'>): SharedLooks {
  const known = createBriefMemo<JobResource>(SHARED_MS, MOST);
  const found = createBriefMemo<Found>(SHARED_MS, MOST);
  const texts = new WeakMap<JobResource, string>();
  return {
    job: (job, change = '') => known.get(`${job} ${change}`, () => jobs.get(job)),
    text(job) {
      const text = texts.get(job) ?? JSON.stringify(job);
      texts.set(job, text);
      return text;
    },
    findings: ({ job, revision }, after, limit) =>
      // A look at a later revision must see what was found by then.
      found.get(`${job} ${revision} ${after ?? ''}`, async () => (await status?.findings(job, after, limit)) ?? []),
  };
}
