import { isFinal, type JobProgress, type LiveFigures } from '../domain/job.ts';
import { LedgerError } from '../ledger/errors.ts';
import { type LedgerJob, ledgerJob } from '../ledger/job-progress.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import { StatusUnavailable } from '../status/errors.ts';
import type { JobList, JobResource } from './contract.ts';
import { ControlError, workflowIdOf } from './control.ts';
import type { ApiDeps } from './deps.ts';
import { filteredJobs, isFiltered, type JobFilter } from './job-filter.ts';
import { listJobs } from './job-list.ts';
import { formatPlace, parsePlace } from './job-place.ts';
import { ApiProblem } from './problems.ts';
import { withRelations } from './relations.ts';
import { isJobId } from './request-schemas.ts';
import { createWorkerWatch } from './worker-watch.ts';

/** Jobs whose workflow is remembered. */
const REMEMBERED = 1_000;
/** How often the ledger is asked whether a job that looks idle in the status has ended, in milliseconds. */
const DOUBT_MS = 2_000;

/** Where the API finds jobs: the status first, then the ledger's account, then the workflow, then the ledger's last commit. */
export interface Jobs {
  /** @throws ApiProblem `job_not_found`, `no_worker`; ControlError, LedgerError when whoever may know the job can't be asked */
  get(job: string): Promise<JobResource>;
  /** Newest first; `after` is the `next` of the page before. */
  list(limit: number, after: string | undefined, filter?: JobFilter): Promise<JobList>;
  /** The workflow to steer. @throws ApiProblem `job_not_found`, `job_ended`, ControlError */
  workflowOf(job: string): Promise<string>;
  /** The job's ledger. @throws ApiProblem `job_not_found` for what is no job id, LedgerError */
  ledgerOf(job: string): Promise<JobLedger>;
  /** Remembers where a job that was just started runs, before it shows anywhere. */
  remember(job: string, workflowId: string): void;
}

export function createJobs(deps: ApiDeps): Jobs {
  const jobs = findJobs(deps);
  return {
    ...jobs,
    get: async (job) => withRelations(deps, await jobs.get(job)),
    async list(limit, after, filter = {}) {
      const page = isFiltered(filter)
        ? await filteredJobs(jobs.list, filter, limit, after)
        : await jobs.list(limit, after);
      return { ...page, jobs: await Promise.all(page.jobs.map((job) => withRelations(deps, job))) };
    },
  };
}

function findJobs(deps: ApiDeps): Jobs {
  const workflows = new Map<string, string>();
  const doubts = new Map<string, number>();
  const workers = createWorkerWatch(deps.control);

  const notFound = (job: string): ApiProblem =>
    new ApiProblem('job_not_found', `There is no job ${JSON.stringify(job)}.`, { extra: { job } });
  const place = (job: string): string => `${deps.ledger.place.replace(/\/+$/, '')}/${job}`;
  const keep = <V>(map: Map<string, V>, key: string, value: V): void => {
    map.delete(key);
    map.set(key, value);
    if (map.size > REMEMBERED) for (const oldest of [...map.keys()].slice(0, 1)) map.delete(oldest);
  };

  function resource(progress: JobProgress, from: JobResource['from'], live?: LiveFigures): JobResource {
    return {
      ...progress,
      ...(live !== undefined && { live }),
      from,
      ledger: place(progress.job),
      ...(isFinal(progress.state) && progress.commit !== undefined && { root: progress.commit.hash }),
    };
  }

  /** As `resource`, for a job that nobody reports to be at work on: perhaps nobody is there. */
  async function quietResource(progress: JobProgress, from: JobResource['from']): Promise<JobResource> {
    const idle = await workers.idle(progress);
    return resource(idle === undefined ? progress : { ...progress, idle }, from);
  }

  async function ledgerOf(job: string): Promise<JobLedger> {
    if (!isJobId(job)) throw notFound(job);
    return (await deps.ledger.open()).job(job);
  }

  /** Undefined also while the ledger can't be read: others may know the job. */
  async function fromLedger(job: string): Promise<LedgerJob | undefined> {
    try {
      return await ledgerJob(await ledgerOf(job));
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      deps.log.warn({ job, code: error.code }, `ledger: ${error.message}`);
      return undefined;
    }
  }

  async function fromStatus(job: string): Promise<Awaited<ReturnType<NonNullable<ApiDeps['status']>['job']>>> {
    try {
      return await deps.status?.job(job);
    } catch (error) {
      if (error instanceof StatusUnavailable) return undefined;
      throw error;
    }
  }

  /**
   * What the workflow answers, if it is about this job. An error is told by value: the ledger may know more.
   * @returns undefined when Temporal knows no such workflow, or its workflow is about another job
   */
  async function fromWorkflow(
    job: string,
    workflowId: string | undefined,
  ): Promise<JobProgress | ControlError | undefined> {
    try {
      const id = workflowId ?? (await deps.control.find(job));
      if (id === undefined) return undefined;
      if (workflowId === undefined) keep(workflows, job, id);
      const progress = await deps.control.progress(id);
      if (progress.job !== job) return undefined;
      keep(workflows, job, id);
      return progress;
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return error.code === 'not_found' ? undefined : error;
    }
  }

  /** A last word that the status has missed: a job that shows no life there may have ended. */
  async function endedUnnoticed(job: string): Promise<LedgerJob | undefined> {
    const now = Date.now();
    if (now - (doubts.get(job) ?? 0) < DOUBT_MS) return undefined;
    keep(doubts, job, now);
    const known = await fromLedger(job);
    return known?.ended ? known : undefined;
  }

  return {
    ledgerOf,
    remember: (job, workflowId) => keep(workflows, job, workflowId),

    async get(job) {
      if (!isJobId(job)) throw notFound(job);
      const status = await fromStatus(job);
      if (status !== undefined) {
        const { progress, live } = status;
        if (!isFinal(progress.state) && live === undefined) {
          const ended = await endedUnnoticed(job);
          if (ended !== undefined) return resource(ended.progress, 'ledger');
        }
        return live === undefined ? quietResource(progress, 'status') : resource(progress, 'status', live);
      }
      const known = await fromLedger(job);
      if (known?.ended) return resource(known.progress, 'ledger');
      const workflowId = workflows.get(job) ?? (known && workflowIdOf(known.progress));
      const progress = await fromWorkflow(job, workflowId);
      const answered = progress !== undefined && !(progress instanceof ControlError);
      if (answered) return quietResource(progress, 'temporal');
      if (known !== undefined) return resource(known.progress, 'ledger');
      if (workflows.has(job)) {
        throw new ApiProblem('no_worker', `Job ${job} was started, but no worker answers for it yet.`, {
          extra: { job },
        });
      }
      // Whoever could not be asked may know it: only what was asked for everywhere is not there.
      if (progress !== undefined) throw progress;
      await ledgerJob(await ledgerOf(job));
      throw notFound(job);
    },

    async list(limit, after) {
      const place = after === undefined ? undefined : parsePlace(after);
      const { jobs, degraded, unanswered, last, more } = await listJobs(deps, limit, place, resource);
      return {
        jobs,
        ...(more && last !== undefined && { next: formatPlace(last) }),
        ...(degraded.length > 0 && { degraded }),
        ...(unanswered.length > 0 && { unanswered }),
      };
    },

    async workflowOf(job) {
      if (!isJobId(job)) throw notFound(job);
      const status = await fromStatus(job);
      const ended = (): ApiProblem => new ApiProblem('job_ended', `Job ${job} has ended.`, { extra: { job } });
      if (status !== undefined) {
        if (isFinal(status.progress.state)) throw ended();
        return workflowIdOf(status.progress);
      }
      const known = await fromLedger(job);
      if (known?.ended) throw ended();
      if (known !== undefined) return workflowIdOf(known.progress);
      const found = workflows.get(job) ?? (await deps.control.find(job));
      if (found === undefined) throw notFound(job);
      return found;
    },
  };
}
