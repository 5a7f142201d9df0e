import { type InjectedSinks, type NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import { createApplyActions } from '../activities/apply-actions.ts';
import { createBeginJob } from '../activities/begin-job.ts';
import { createCheckSource } from '../activities/check-source.ts';
import { createCommitPages } from '../activities/commit-pages.ts';
import { mapped } from '../activities/failures.ts';
import { createOpenJob } from '../activities/open-job.ts';
import { createPlanActions } from '../activities/plan-actions.ts';
import { createPlanPages } from '../activities/plan-pages.ts';
import { createProbe } from '../activities/probe.ts';
import { createPublishStatus } from '../activities/publish-status.ts';
import { pulsed } from '../activities/pulse.ts';
import { createScanPage } from '../activities/scan-page/scan-page.ts';
import { createSealPage } from '../activities/seal-page.ts';
import type { ActionActivities, OrchestratorActivities, ScanActivities } from '../activities/types.ts';
import type { JobProgress } from '../domain/job.ts';
import { QUEUE, siteQueue } from '../workflows/messages.ts';
import type { StatusSinks } from '../workflows/scan-job/publish.ts';
import type { Resources } from './resources.ts';

/** Cancel and pause are noticed within this, since they ride on the answers to heartbeats. */
const HEARTBEAT_THROTTLE = '1500ms';
/** A stopping worker gives activities no time of their own: they hand their pages back with a checkpoint when told. */
const SHUTDOWN_GRACE = '0s';
const SHUTDOWN_FORCE = '15s';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly resources: Resources;
  readonly site?: string | undefined;
}

/** Runs the workflows and the light activities. */
export function orchestratorWorker(options: WorkerOptions & { readonly bundle: WorkflowBundle }): Promise<Worker> {
  const deps = options.resources.orchestrator;
  const activities: OrchestratorActivities = {
    beginJob: createBeginJob(deps),
    commitPages: createCommitPages(deps),
    sealPage: createSealPage(deps),
    planActions: createPlanActions(deps),
    publishStatus: createPublishStatus(deps),
  };
  return Worker.create({
    ...common(options),
    taskQueue: QUEUE.orchestrate,
    workflowBundle: options.bundle,
    activities: mapped(pulsed(activities)),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    sinks: statusSinks(options.resources),
    maxConcurrentActivityTaskExecutions: 20,
    maxCachedWorkflows: 200,
  });
}

function statusSinks(resources: Resources): InjectedSinks<StatusSinks> {
  const { status } = resources.orchestrator;
  return {
    status: {
      publish: {
        fn: (_info, progress: JobProgress) => {
          status?.publishJob(progress).catch(() => undefined);
        },
        callDuringReplay: false,
      },
    },
  };
}

/** Touches storage and scanner, for one site: planning and full scans, requested scans ahead of them, item actions. */
export async function scanWorkers(options: WorkerOptions): Promise<Worker[]> {
  const deps = options.resources.worker;
  const scan: ScanActivities = {
    ...pulsed({ openJob: createOpenJob(deps), probe: createProbe(deps), checkSource: createCheckSource(deps) }),
    planPages: createPlanPages(deps),
    scanPage: createScanPage(deps),
  };
  const actions: ActionActivities = { applyActions: createApplyActions(deps) };
  const queue = (name: string) => siteQueue(name, options.site);
  const make = (taskQueue: string, activities: object, slots: number) =>
    Worker.create({
      ...common(options),
      taskQueue,
      activities: mapped(activities),
      maxConcurrentActivityTaskExecutions: slots,
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    });
  return await Promise.all([
    make(queue(QUEUE.scan), scan, 16),
    make(queue(QUEUE.onAccess), scan, 8),
    make(queue(QUEUE.actions), actions, 8),
  ]);
}

function common(options: WorkerOptions) {
  return {
    connection: options.connection,
    namespace: options.namespace,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  };
}
