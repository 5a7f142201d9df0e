import { isFinal, type JobProgress } from '../domain/job.ts';
import { comesBehind, newestFirst, type Started } from '../domain/job-order.ts';
import { LedgerError } from '../ledger/errors.ts';
import { readableLedgerJob } from '../ledger/job-progress.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { StatusUnavailable } from '../status/errors.ts';
import type { Degraded, JobResource } from './contract.ts';
import { ControlError, type RunningScan } from './control.ts';
import type { ApiDeps } from './deps.ts';
import { isJobId } from './request-schemas.ts';

/** What is needed to answer for jobs that the status does not know: each source is asked only when it must be. */
interface Sources {
  readonly status: readonly JobProgress[] | undefined;
  readonly scans: ReadonlyMap<string, RunningScan>;
  readonly ledger: Ledger | undefined;
}
type Resource = (progress: JobProgress, from: JobResource['from']) => JobResource;

/**
 * One page of the jobs, newest first: everything that the status, Temporal or the ledger knows of. Where the status is not whole (Redis is
 * down, or has lost its data and is not rebuilt yet), Temporal is asked what runs.
 * @throws LedgerError, ControlError, StatusUnavailable when no job is known and too few could be asked: no empty list pretends that there are no
 * jobs
 */
export async function listJobs(
  deps: ApiDeps,
  limit: number,
  after: Started | undefined,
  resource: Resource,
): Promise<{
  jobs: JobResource[];
  degraded: Degraded[];
  unanswered: string[];
  last: Started | undefined;
  more: boolean;
}> {
  const degraded: Degraded[] = [];
  const failures: unknown[] = [];
  const lacking = (what: Degraded, error: unknown): undefined => {
    degraded.push(what);
    failures.push(error);
    return undefined;
  };

  let whole = false;
  let status: readonly JobProgress[] | undefined;
  if (deps.status !== undefined) {
    try {
      status = await deps.status.jobs(limit, after);
      const note = await deps.status.rebuild();
      whole = note?.done === true && note.epoch === (await deps.status.epoch());
    } catch (error) {
      if (!(error instanceof StatusUnavailable)) throw error;
      whole = false;
      status = undefined;
      lacking('status_down', error);
    }
  }
  const scans = new Map<string, RunningScan>();
  if (!whole) {
    try {
      for (const scan of await deps.control.scans()) if (scan.job !== undefined) scans.set(scan.job, scan);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      lacking('temporal_unreachable', error);
    }
  }
  let ledger: Ledger | undefined;
  let starts: readonly Started[] = [];
  try {
    ledger = await deps.ledger.open();
    starts = await ledger.starts();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    lacking('ledger_unavailable', error);
  }

  const sources: Sources = { status, scans, ledger };
  const known = new Map<string, Started>();
  for (const { job, startedAt } of starts) known.set(job, { job, startedAt });
  for (const scan of scans.values()) if (!known.has(scan.job ?? '')) known.set(scan.job ?? '', startOf(scan));
  for (const { job, startedAt } of status ?? []) known.set(job, { job, startedAt });
  const order = [...known.values()].filter((start) => comesBehind(start, after)).sort(newestFirst);
  // Nothing is known, and not everybody who might know was asked.
  if (order.length === 0 && failures.length > 0 && (ledger === undefined || failures.length > 1)) throw failures.at(-1);

  const jobs: JobResource[] = [];
  const unanswered: string[] = [];
  let last: Started | undefined;
  let next = 0;
  while (jobs.length < limit && next < order.length) {
    const step = order.slice(next, next + limit - jobs.length);
    next += step.length;
    const found = await Promise.all(step.map(({ job }) => look(deps, job, sources, resource)));
    for (const [at, one] of found.entries()) {
      if (one === 'unanswered') unanswered.push(step[at]?.job ?? '');
      else if (one !== undefined) jobs.push(one);
    }
    last = step.at(-1);
  }
  return { jobs, degraded, unanswered, last, more: jobs.length === limit };
}

/** A job by the best source there is; undefined for what is no job that anybody can read. */
async function look(
  deps: ApiDeps,
  job: string,
  { status, scans, ledger }: Sources,
  resource: Resource,
): Promise<JobResource | 'unanswered' | undefined> {
  const shown = status?.find((one) => one.job === job);
  if (shown !== undefined && (isFinal(shown.state) || !scans.has(job))) return resource(shown, 'status');
  const scan = scans.get(job);
  if (scan !== undefined) {
    try {
      const progress = await deps.control.progress(scan.workflowId);
      if (progress.job === job) return resource(progress, 'temporal');
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
    }
  }
  if (shown !== undefined) return resource(shown, 'status');
  try {
    const told = ledger === undefined || !isJobId(job) ? undefined : await readableLedgerJob(ledger.job(job));
    if (told !== undefined) return resource(told.progress, 'ledger');
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    deps.log.warn({ job, code: error.code }, `ledger: ${error.message}`);
  }
  return scan === undefined ? undefined : 'unanswered';
}

function startOf({ job, startedAt }: RunningScan): Started {
  return { job: job ?? '', startedAt };
}
