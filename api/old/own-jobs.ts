import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../../domain/job.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { isJobId } from '../request-schemas.ts';

/** How long it is believed how a job stands, in milliseconds: former connectors ask before each item. */
const BELIEVED_MS = 1_000;
const REMEMBERED = 500;
/** How long the answer to that may take, in milliseconds: connectors wait for theirs. */
const PATIENCE_MS = 1_000;

/** A job that a remote connector was asked for. */
export interface OwnJob {
  /** Its connector. */
  readonly uuid: string;
  /** Somebody cancelled it: nothing of it is wanted any more. */
  readonly cancelled: boolean;
}

/** The jobs that connectors name in what they push. */
export interface OwnJobs {
  /** Undefined for what is no job of ours that a connector lists. @throws what `Jobs` throws */
  of(job: string | null | undefined): Promise<OwnJob | undefined>;
}

export function createOwnJobs(deps: Pick<ApiDeps, 'ledger'>, jobs: Jobs): OwnJobs {
  const known = new Map<string, { readonly at: number; readonly job: Promise<OwnJob | undefined> }>();

  async function look(job: string): Promise<OwnJob | undefined> {
    // The header is there before the connector is asked.
    const header = await (await deps.ledger.open()).job(job).header();
    if (header === undefined || header.coverage === undefined) return undefined;
    const asked = jobs.get(job).then(
      (found) => found.state,
      (error: unknown) => {
        if (error instanceof ApiProblem) return 'running' as const;
        throw error;
      },
    );
    // While nobody can tell what is pushed is taken.
    const state = await Promise.race([asked, sleep(PATIENCE_MS, 'running' as const, { ref: false })]);
    return { uuid: header.source.id, cancelled: state === 'cancelling' || (isFinal(state) && state === 'cancelled') };
  }

  return {
    async of(job) {
      if (job === null || job === undefined || !isJobId(job)) return undefined;
      const before = known.get(job);
      if (before !== undefined && Date.now() - before.at < BELIEVED_MS) return await before.job;
      const found = look(job);
      known.delete(job);
      known.set(job, { at: Date.now(), job: found });
      found.catch(() => known.delete(job));
      if (known.size > REMEMBERED) for (const oldest of [...known.keys()].slice(0, 1)) known.delete(oldest);
      return await found;
    },
  };
}
