import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type {
  ActionActivities,
  EventActivities,
  OrchestratorActivities,
  PageActivities,
  PlanActivities,
} from '../../activities/types.ts';
import { priorityOf, QUEUE, type StartRequest, siteQueue } from '../messages.ts';

/** The activities of a job, each with its queue, its timeouts and its retries. */
export interface JobActivities {
  readonly orchestrator: OrchestratorActivities;
  readonly scan: PlanActivities;
  readonly scanPage: PageActivities['scanPage'];
  /** For pages whose bytes are limited: an item may be on its way for long. */
  readonly scanPacedPage: PageActivities['scanPage'];
  readonly actions: ActionActivities;
  /** On-access jobs. */
  readonly planEvents: EventActivities['planEvents'];
}

/** A worker that does not beat for this long has lost its work. */
const HEARTBEAT_TIMEOUT = '10s';
/** Above the deadline of the largest item: 2 GiB at 1 MiB/s and ten minutes of scanning take under an hour. */
const LONGEST_PAGE = '2h';
/** The same for pages that hold their bytes back: an item that would take over a day is not begun. */
const LONGEST_PACED_PAGE = '26h';
/** Retries never give up here: what must not be repeated fails for good, and says so. */
const STEADY = { initialInterval: '1s', backoffCoefficient: 1 } as const;

export function jobActivities(request: StartRequest): JobActivities {
  const live = request.kind === 'requested' || request.kind === 'on-access';
  const pages = live ? QUEUE.onAccess : QUEUE.scan;
  const priority = priorityOf(request);
  const atSite = (queue: string, startToCloseTimeout: NonNullable<ActivityOptions['startToCloseTimeout']>) => ({
    taskQueue: siteQueue(queue, request.site),
    startToCloseTimeout,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED' as const,
    retry: STEADY,
    priority,
  });
  return {
    orchestrator: proxyActivities<OrchestratorActivities>({
      startToCloseTimeout: '5m',
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      retry: STEADY,
      priority,
    }),
    scan: proxyActivities<PlanActivities>(atSite(QUEUE.plan, '10m')),
    scanPage: proxyActivities<PageActivities>(atSite(pages, LONGEST_PAGE)).scanPage,
    scanPacedPage: proxyActivities<PageActivities>(atSite(pages, LONGEST_PACED_PAGE)).scanPage,
    actions: proxyActivities<ActionActivities>(atSite(QUEUE.actions, '1h')),
    planEvents: proxyActivities<EventActivities>(atSite(QUEUE.onAccess, '10m')).planEvents,
  };
}
