import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import type { OrchestratorActivities } from '../../activities/types.ts';
import type { JobProgress, ScanSettings } from '../../domain/job.ts';
import { limitsFault } from '../../domain/limits.ts';
import { sameRetry } from '../../domain/retry.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  type LimitsRequest,
  QUERY,
  REFUSAL,
  SIGNAL,
  type StartAnswer,
  type StartRequest,
  UPDATE,
} from '../messages.ts';
import type { ScanJob } from './scan-job.ts';
import { addWaiter } from './waiters.ts';

export const startUpdate = defineUpdate<StartAnswer, [StartRequest]>(UPDATE.start);
const updates = {
  pause: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.pause),
  resume: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.resume),
  cancel: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.cancel),
  setLimits: defineUpdate<ControlAnswer, [LimitsRequest]>(UPDATE.setLimits),
};
const signals = {
  pause: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.pause),
  resume: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.resume),
  cancel: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.cancel),
};
const progressQuery = defineQuery<JobProgress>(QUERY.progress);
const uncommittedQuery = defineQuery<ObjectRef[]>(QUERY.uncommitted);

/** Who acts when the Temporal UI or CLI does: whoever reaches Temporal is an administrator. */
const TEMPORAL_ACTOR = 'temporal';

/** Wires the messages of a scan workflow to its rules. Validators are synchronous: what they refuse leaves no history. */
export function acceptControl(job: ScanJob, activities: Pick<OrchestratorActivities, 'noteJoin'>): void {
  setHandler(progressQuery, () => job.progress());
  setHandler(uncommittedQuery, () => uncommittedFindings(job));
  setHandler(startUpdate, (request) => started(job, request, activities), {
    validator: (request) => refuseOtherScan(job, request),
  });
  setHandler(updates.pause, (request) => answer(job, () => job.pause(request, now())), {
    validator: (request) => refuse(job, request, true),
  });
  setHandler(updates.resume, () => answer(job, () => job.resume(now())), {
    validator: (request) => refuse(job, request, true),
  });
  setHandler(updates.cancel, (request) => cancelled(job, request), {
    validator: (request) => refuse(job, request, false),
  });
  setHandler(updates.setLimits, (request) => answer(job, () => job.setLimits(request, now())), {
    validator: (request) => refuseLimits(job, request),
  });
  setHandler(signals.pause, (request) => signalled(job, request, (r) => job.pause(r, now())));
  setHandler(signals.resume, (request) => signalled(job, request, () => job.resume(now())));
  setHandler(signals.cancel, (request) => signalled(job, request, (r) => job.cancel(r, now())));
}

/**
 * A start with an idempotency key is answered once the key is bound for good: to this job by its header, or to the job that it joins by a
 * note in the ledger. While the ledger can't be written the job is held, and the answer is the job.
 */
export async function started(
  job: ScanJob,
  request: StartRequest,
  activities: Pick<OrchestratorActivities, 'noteJoin'>,
): Promise<StartAnswer> {
  const { bodyHash } = request;
  addWaiter(job.state, request.waiter);
  const begun = () => {
    const { header, taken, hold } = job.state;
    return header !== undefined || taken !== undefined || hold !== undefined;
  };
  if (request.job !== job.id) {
    if (job.state.request.bodyHash !== undefined) await condition(begun);
    if (job.state.taken !== undefined) throw ended(job.id, request.job);
    if (bodyHash === undefined) return { job: job.id, joined: true };
    const bound = await activities.noteJoin({ job: request.job, joined: job.id, bodyHash });
    if (bound.bodyHash !== bodyHash) throw mismatch(bound.job);
    return { job: bound.job, joined: bound.job !== request.job, ...(bound.repeated && { repeated: true }) };
  }
  if (bodyHash === undefined) return { job: job.id, joined: false };
  const repeated = job.state.answered === true;
  job.state.answered = true;
  await condition(begun);
  const { taken } = job.state;
  if (taken === undefined) return { job: job.id, joined: false, ...(repeated && { repeated }) };
  if (taken.bodyHash !== bodyHash) throw mismatch(taken.job);
  return { job: taken.job, joined: taken.job !== job.id, repeated: true };
}

function ended(job: string, now: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`job ${job} has ended; job ${now} runs now`, REFUSAL.jobEnded);
}

function mismatch(job: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `this idempotency key was used for another request, which is job ${job}`,
    REFUSAL.idempotencyMismatch,
    { job },
  );
}

function answer(job: ScanJob, change: () => void): ControlAnswer {
  change();
  const { state, idle, limits, revision } = job.progress();
  return {
    job: job.id,
    state,
    ...(idle !== undefined && { idle }),
    ...(limits !== undefined && { limits }),
    revision,
  };
}

function uncommittedFindings({ state }: ScanJob): ObjectRef[] {
  return state.uncommitted.pages
    .filter(({ counters: { outcomes } }) => outcomes.malicious + outcomes.policy_blocked > 0)
    .map(({ segment }) => segment);
}

/** Acknowledged when nothing of the job can start a scan any more, with what was done till then. */
async function cancelled(job: ScanJob, request: ControlRequest): Promise<ControlAnswer> {
  job.cancel(request, now());
  await condition(() => !job.mayScan);
  const { listed, listingDone, counters, actions } = job.progress();
  return { ...answer(job, () => undefined), done: { listed, listingDone, counters, actions } };
}

function signalled(
  job: ScanJob,
  request: Partial<ControlRequest> | undefined,
  change: (request: ControlRequest) => void,
): void {
  if (request?.job !== undefined && request.job !== job.id) return;
  change({
    job: job.id,
    actor: request?.actor ?? TEMPORAL_ACTOR,
    ...(request?.reason !== undefined && { reason: request.reason }),
  });
}

function refuse(job: ScanJob, request: ControlRequest, notWhileCancelling: boolean): void {
  if (request.job !== job.id) {
    throw ended(request.job, job.id);
  }
  if (notWhileCancelling && job.state.control === 'cancelling') {
    throw ApplicationFailure.nonRetryable(`job ${job.id} is being cancelled`, REFUSAL.cancelling);
  }
}

function refuseLimits(job: ScanJob, request: LimitsRequest): void {
  refuse(job, request, true);
  const fault = limitsFault(request.limits);
  if (fault === undefined) return;
  throw ApplicationFailure.nonRetryable(`${fault.field}: ${fault.message}`, REFUSAL.limitsInvalid);
}

export function refuseOtherScan(job: ScanJob, request: StartRequest): void {
  if (request.job === job.id) {
    if (request.bodyHash !== job.state.request.bodyHash) throw mismatch(job.id);
    return;
  }
  if (job.state.control === 'cancelling') {
    throw ApplicationFailure.nonRetryable(`job ${job.id} is being cancelled`, REFUSAL.cancelling);
  }
  const { settings, retry, items } = job.state.request;
  const sameWork = sameRetry(request.retry, retry) && `${request.items}` === `${items}`;
  if (sameSettings(request.settings, settings) && sameWork) return;
  throw ApplicationFailure.nonRetryable(
    retry === undefined
      ? `job ${job.id} scans ${job.state.request.source.id} with other settings`
      : `job ${job.id} retries job ${retry.of} with another selection or other settings`,
    REFUSAL.scanRunning,
    { job: job.id },
  );
}

/** Settings are flat: equal when every field is. An absent field is an undefined one. */
export function sameSettings(a: ScanSettings, b: ScanSettings): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof ScanSettings>;
  return [...keys].every((key) => a[key] === b[key]);
}

function now(): string {
  return new Date().toISOString();
}
