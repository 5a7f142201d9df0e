import { Client } from '@temporalio/client';
import type { DataConverter, WorkerDeploymentVersion } from '@temporalio/common';
import {
  type InjectedSinks,
  type NativeConnection,
  Worker,
  type WorkerDeploymentOptions,
  type WorkflowBundle,
} from '@temporalio/worker';
import { createApplyActions } from '../activities/apply-actions.ts';
import { createAskActions } from '../activities/ask-actions.ts';
import { createAskRemote } from '../activities/ask-remote.ts';
import { createBeginJob } from '../activities/begin-job.ts';
import { createCheckSource } from '../activities/check-source.ts';
import { createCommitPages } from '../activities/commit-pages.ts';
import { createDeliverResults } from '../activities/deliver-results.ts';
import { createEstimateTurn } from '../activities/estimate-turn.ts';
import { mapped } from '../activities/failures.ts';
import { createGatherActions } from '../activities/gather-actions.ts';
import { createKeepConnector, createReadConnector } from '../activities/keep-connector.ts';
import { createKeepSubscription } from '../activities/keep-subscription.ts';
import { createListAssets } from '../activities/list-assets.ts';
import { createNextHours } from '../activities/next-hours.ts';
import { createNoteJoin } from '../activities/note-join.ts';
import { createOpenJob } from '../activities/open-job.ts';
import { createOpenRetry } from '../activities/open-retry.ts';
import { createPlanActions } from '../activities/plan-actions.ts';
import { createPlanEvents } from '../activities/plan-events.ts';
import { createPlanPages } from '../activities/plan-pages.ts';
import { createPreviewSource } from '../activities/preview-source.ts';
import { createProbe } from '../activities/probe.ts';
import { createPublishStatus } from '../activities/publish-status.ts';
import { pulsed } from '../activities/pulse.ts';
import { createReadMarks } from '../activities/read-marks.ts';
import { createScanPage } from '../activities/scan-page/scan-page.ts';
import { createLookAtScan } from '../activities/schedules/look-at-scan.ts';
import { createStartScheduledScan } from '../activities/schedules/start-scheduled-scan.ts';
import { createSealPage } from '../activities/seal-page.ts';
import type {
  ActionActivities,
  ConnectorActivities,
  EventActivities,
  OrchestratorActivities,
  PageActivities,
  PlanActivities,
  WatchActivities,
} from '../activities/types.ts';
import { createWatchFeed } from '../activities/watch-feed.ts';
import type { JobProgress } from '../domain/job.ts';
import type { WatchHealth } from '../domain/watch.ts';
import type { WatchSinks } from '../workflows/connector-watch/connector-watch.ts';
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
/** Beside the slots for pages: looking at what events tell of. */
const EVENT_SLOTS = 2;
/** Each watched connector keeps one, mostly waiting. */
const WATCH_SLOTS = 100;

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly dataConverter: DataConverter;
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
  const { connection, namespace, dataConverter } = options;
  const schedules = { client: new Client({ connection, namespace, dataConverter }), scanOf: options.resources.scanOf };
  const activities: OrchestratorActivities & ConnectorActivities = {
    ...pulsed({
      openRetry: createOpenRetry(deps),
      noteJoin: createNoteJoin(deps),
      gatherActions: createGatherActions(deps),
      askActions: createAskActions(deps),
      nextHours: createNextHours(),
      readMarks: createReadMarks(deps),
      readConnector: createReadConnector(deps),
      keepConnector: createKeepConnector(deps),
      startScheduledScan: createStartScheduledScan(schedules),
      lookAtScan: createLookAtScan(schedules),
    }),
    deliverResults: createDeliverResults(deps),
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

function statusSinks(resources: Resources): InjectedSinks<StatusSinks & WatchSinks> {
  const { status } = resources.orchestrator;
  return {
    status: {
      publish: {
        fn: (_info, progress: JobProgress) => {
          status?.publishJob(progress).catch(() => undefined);
          if (progress.events !== undefined) void resources.backlog?.tell(progress.source.id, progress.events);
        },
        callDuringReplay: false,
      },
    },
    watch: {
      publish: {
        fn: (_info, health: WatchHealth) => {
          status?.publishWatch(health).catch(() => undefined);
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
      askRemote: createAskRemote(deps),
    }),
  };
  const pages: PageActivities = { scanPage: createScanPage(deps) };
  const events: EventActivities = { planEvents: createPlanEvents(deps) };
  const actions: ActionActivities = { applyActions: createApplyActions(deps) };
  const watch: WatchActivities = {
    watchFeed: createWatchFeed(options.resources.watch),
    ...pulsed({ keepSubscription: createKeepSubscription(options.resources.subscriptions) }),
  };
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
    make(queue(QUEUE.onAccess), { ...pages, ...events }, options.pageSlots + EVENT_SLOTS),
    make(queue(QUEUE.actions), actions, ACTION_SLOTS),
    make(queue(QUEUE.watch), watch, WATCH_SLOTS),
  ]);
}

function common(options: WorkerOptions) {
  return {
    connection: options.connection,
    namespace: options.namespace,
    dataConverter: options.dataConverter,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  };
}
