import { Client } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import {
  type InjectedSinks,
  type NativeConnection,
  Worker,
  type WorkerDeploymentOptions,
  type WorkflowBundle,
} from '@temporalio/worker';
import { createApplyActions } from '../activities/apply-actions.ts';
import { createAskActions } from '../activities/ask-actions.ts';
import { createBeginJob } from '../activities/begin-job.ts';
import { createCheckSource } from '../activities/check-source.ts';
import { createCommitPages } from '../activities/commit-pages.ts';
import { createEstimateTurn } from '../activities/estimate-turn.ts';
import { mapped } from '../activities/failures.ts';
import { createGatherActions } from '../activities/gather-actions.ts';
import { createListAssets } from '../activities/list-assets.ts';
import { createNextHours } from '../activities/next-hours.ts';
import { createNoteJoin } from '../activities/note-join.ts';
import { createOpenJob } from '../activities/open-job.ts';
import { createOpenRetry } from '../activities/open-retry.ts';
import { createPlanActions } from '../activities/plan-actions.ts';
import { createPlanPages } from '../activities/plan-pages.ts';
import { createPreviewSource } from '../activities/preview-source.ts';
import { createProbe } from '../activities/probe.ts';
import { createPublishStatus } from '../activities/publish-status.ts';
import { pulsed } from '../activities/pulse.ts';
import { createScanPage } from '../activities/scan-page/scan-page.ts';
import { createLookAtScan } from '../activities/schedules/look-at-scan.ts';
import { createStartScheduledScan } from '../activities/schedules/start-scheduled-scan.ts';
import { createSealPage } from '../activities/seal-page.ts';
import type { ActionActivities, OrchestratorActivities, PageActivities, PlanActivities } from '../activities/types.ts';
import type { JobProgress } from '../domain/job.ts';
import { QUEUE, siteQueue } from '../workflows/messages.ts';
import type { StatusSinks } from '../workflows/scan-job/publish.ts';
import type { Resources } from './resources.ts';

/** Cancel and pause are noticed within this, since they ride on the answers to heartbeats. */
const HEARTBEAT_THROTTLE = '1500ms';
/** A stopping worker gives activities no time of their own: they hand their pages back with a checkpoint when told. */
const SHUTDOWN_GRACE = '0s';
const SHUTDOWN_FORCE = '15s';

/** Short work, most of it waiting for a storage. */
const PLAN_SLOTS = 8;
const ACTION_SLOTS = 8;

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly resources: Resources;
  readonly site?: string | undefined;
}

export interface OrchestratorOptions extends WorkerOptions {
  readonly bundle: WorkflowBundle;
  /** The version that runs are pinned to. Absent: workers without versions. */
  readonly version?: WorkerDeploymentVersion | undefined;
}

/**
 * Runs the workflows and the light activities. Only these have a version: the activities of the other queues know nothing of
 * workflow code, so that any scan worker takes any page.
 */
export function orchestratorWorker(options: OrchestratorOptions): Promise<Worker> {
  const deps = options.resources.orchestrator;
  const { connection, namespace } = options;
  const schedules = { client: new Client({ connection, namespace }), scanOf: options.resources.scanOf };
  const activities: OrchestratorActivities = {
    ...pulsed({
      openRetry: createOpenRetry(deps),
      noteJoin: createNoteJoin(deps),
      gatherActions: createGatherActions(deps),
      askActions: createAskActions(deps),
      nextHours: createNextHours(),
      startScheduledScan: createStartScheduledScan(schedules),
      lookAtScan: createLookAtScan(schedules),
    }),
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
    ...(options.version !== undefined && { workerDeploymentOptions: pinnedTo(options.version) }),
    activities: mapped(activities),
    sinks: statusSinks(options.resources),
    maxConcurrentActivityTaskExecutions: 20,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    maxCachedWorkflows: 200,
  });
}

/** A run stays with the code it began with; it moves when it continues as new (`workflows/scan-job/hand-over.ts`). */
function pinnedTo(version: WorkerDeploymentVersion): WorkerDeploymentOptions {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' };
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

/**
 * Touches storage and scanner, for one site: planning, full scans, requested scans, item actions, each with slots of its own.
 * What a worker has no slot for waits in Temporal for the next one: so the pages of a job spread over all workers.
 * @param options.pageSlots pages of full scans at once, and as many of requested ones
 */
export async function scanWorkers(options: WorkerOptions & { readonly pageSlots: number }): Promise<Worker[]> {
  const deps = options.resources.worker;
  const plan: PlanActivities = {
    openJob: createOpenJob(deps),
    planPages: createPlanPages(deps),
    probe: createProbe(deps),
    ...pulsed({
      checkSource: createCheckSource(deps),
      previewSource: createPreviewSource(deps),
      listAssets: createListAssets(deps),
      estimateTurn: createEstimateTurn(deps),
    }),
  };
  const pages: PageActivities = { scanPage: createScanPage(deps) };
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
    make(queue(QUEUE.plan), plan, PLAN_SLOTS),
    make(queue(QUEUE.scan), pages, options.pageSlots),
    make(queue(QUEUE.onAccess), pages, options.pageSlots),
    make(queue(QUEUE.actions), actions, ACTION_SLOTS),
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
