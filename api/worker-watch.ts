import type { IdleReason, JobProgress } from '../domain/job.ts';
import { QUEUE, siteQueue } from '../workflows/messages.ts';
import type { JobControl } from './control.ts';

/** A worker asks for work at least once a minute; the server remembers askers for five. In milliseconds. */
export const POLL_AGE_MS = 75_000;
/** How long an answer of the server about its queues is good for, in milliseconds. */
const KNOWN_MS = 5_000;

/** Tells of a job that says it runs whether anybody is there to work on it. */
export interface WorkerWatch {
  /** Why the job waits, or undefined when somebody asks for its work, or that is not known. Never rejects. */
  idle(progress: JobProgress): Promise<IdleReason | undefined>;
}

export function createWorkerWatch(control: Pick<JobControl, 'queues'>): WorkerWatch {
  const known = new Map<string, { at: number; missing: Promise<boolean> }>();

  function isMissing(queue: string): Promise<boolean> {
    const now = Date.now();
    const last = known.get(queue);
    if (last !== undefined && now - last.at < KNOWN_MS) return last.missing;
    const missing = control.queues([queue]).then(
      ([state]) => state?.age === undefined || state.age > POLL_AGE_MS,
      () => false,
    );
    known.set(queue, { at: now, missing });
    return missing;
  }

  return {
    async idle({ state, idle, kind, site }) {
      if (state !== 'running' || idle !== undefined) return undefined;
      for (const queue of [
        QUEUE.orchestrate,
        siteQueue(kind === 'requested' || kind === 'on-access' ? QUEUE.onAccess : QUEUE.scan, site),
      ]) {
        if (await isMissing(queue)) {
          return { why: 'waiting_for_worker', reason: `no worker asks ${queue} for work; start one` };
        }
      }
      return undefined;
    },
  };
}
