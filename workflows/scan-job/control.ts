import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import type { JobProgress, ScanSettings } from '../../domain/job.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  QUERY,
  REFUSAL,
  SIGNAL,
  type StartAnswer,
  type StartRequest,
  UPDATE,
} from '../messages.ts';
import type { ScanJob } from './scan-job.ts';

const startUpdate = defineUpdate<StartAnswer, [StartRequest]>(UPDATE.start);
const updates = {
  pause: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.pause),
  resume: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.resume),
  cancel: defineUpdate<ControlAnswer, [ControlRequest]>(UPDATE.cancel),
};
const signals = {
  pause: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.pause),
  resume: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.resume),
  cancel: defineSignal<[Partial<ControlRequest>?]>(SIGNAL.cancel),
};
const progressQuery = defineQuery<JobProgress>(QUERY.progress);

/** Who acts when the Temporal UI or CLI does: whoever reaches Temporal is an administrator. */
const TEMPORAL_ACTOR = 'temporal';

/** Wires the messages of a scan workflow to its rules. Validators are synchronous: what they refuse leaves no history. */
export function acceptControl(job: ScanJob): void {
  setHandler(progressQuery, () => job.progress());
  setHandler(startUpdate, (request) => ({ job: job.id, joined: request.job !== job.id }), {
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
  setHandler(signals.pause, (request) => signalled(job, request, (r) => job.pause(r, now())));
  setHandler(signals.resume, (request) => signalled(job, request, () => job.resume(now())));
  setHandler(signals.cancel, (request) => signalled(job, request, (r) => job.cancel(r, now())));
}

function answer(job: ScanJob, change: () => void): ControlAnswer {
  change();
  const { state, idle, revision } = job.progress();
  return { job: job.id, state, ...(idle !== undefined && { idle }), revision };
}

/** Acknowledged when no page can start a scan any more. */
async function cancelled(job: ScanJob, request: ControlRequest): Promise<ControlAnswer> {
  job.cancel(request, now());
  await condition(() => job.pagesInFlight === 0);
  return answer(job, () => undefined);
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
    throw ApplicationFailure.nonRetryable(`job ${request.job} has ended; job ${job.id} runs now`, REFUSAL.jobEnded);
  }
  if (notWhileCancelling && job.state.control === 'cancelling') {
    throw ApplicationFailure.nonRetryable(`job ${job.id} is being cancelled`, REFUSAL.cancelling);
  }
}

function refuseOtherScan(job: ScanJob, request: StartRequest): void {
  if (request.job === job.id) return;
  if (job.state.control === 'cancelling') {
    throw ApplicationFailure.nonRetryable(`job ${job.id} is being cancelled`, REFUSAL.cancelling);
  }
  const { settings, items } = job.state.request;
  if (sameSettings(request.settings, settings) && `${request.items}` === `${items}`) return;
  throw ApplicationFailure.nonRetryable(
    `job ${job.id} scans ${job.state.request.source.id} with other settings`,
    REFUSAL.scanRunning,
    { job: job.id },
  );
}

/** Settings are flat: equal when every field is. An absent field is an undefined one. */
function sameSettings(a: ScanSettings, b: ScanSettings): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof ScanSettings>;
  return [...keys].every((key) => a[key] === b[key]);
}

function now(): string {
  return new Date().toISOString();
}
