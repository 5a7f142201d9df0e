import { proxyActivities } from '@temporalio/workflow';
import type { ActionActivities, OrchestratorActivities, ScanActivities } from '../../activities/types.ts';
import { QUEUE, type StartRequest, siteQueue } from '../messages.ts';

/** The activities of a job, each with its queue, its timeouts and its retries. */
export interface JobActivities {
  readonly orchestrator: OrchestratorActivities;
  readonly scan: Omit<ScanActivities, 'scanPage'>;
  readonly scanPage: ScanActivities['scanPage'];
  readonly actions: ActionActivities;
}

/** A worker that does not beat for this long has lost its work. */
const HEARTBEAT_TIMEOUT = '10s';
/** Above the deadline of the largest item: 2 GiB at 1 MiB/s and ten minutes of scanning take under an hour. */
const LONGEST_PAGE = '2h';
/** Retries never give up here: what must not be repeated fails for good, and says so. */
const STEADY = { initialInterval: '1s', backoffCoefficient: 1 } as const;

export function jobActivities(request: StartRequest): JobActivities {
  const pages = request.kind === 'full' ? QUEUE.scan : QUEUE.onAccess;
  const taskQueue = siteQueue(pages, request.site);
  const cancellationType = 'WAIT_CANCELLATION_COMPLETED' as const;
  return {
    orchestrator: proxyActivities<OrchestratorActivities>({
      startToCloseTimeout: '5m',
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      retry: STEADY,
    }),
    scan: proxyActivities<ScanActivities>({
      taskQueue,
      startToCloseTimeout: '10m',
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      cancellationType,
      retry: STEADY,
    }),
    scanPage: proxyActivities<ScanActivities>({
      taskQueue,
      startToCloseTimeout: LONGEST_PAGE,
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      cancellationType,
      retry: STEADY,
    }).scanPage,
    actions: proxyActivities<ActionActivities>({
      taskQueue: siteQueue(QUEUE.actions, request.site),
      startToCloseTimeout: '1h',
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      cancellationType,
      retry: STEADY,
    }),
  };
}
