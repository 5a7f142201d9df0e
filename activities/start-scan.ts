import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Order } from '../domain/approval.ts';
import type { JobKind, Source } from '../domain/job.ts';
import type { RetryTarget } from '../domain/retry.ts';
import {
  applyWorkflowId,
  fullScanWorkflowId,
  onAccessWorkflowId,
  priorityOf,
  QUEUE,
  requestedScanWorkflowId,
  retryWorkflowId,
  SEARCH_ATTRIBUTE,
  type StartAnswer,
  type StartRequest,
  UPDATE,
  WORKFLOW,
} from '../workflows/messages.ts';

const JOB = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
const CONNECTOR = defineSearchAttributeKey(SEARCH_ATTRIBUTE.connector, 'KEYWORD');
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state, 'KEYWORD');

/** The workflow that a scan is. */
const WORKFLOW_OF = {
  full: WORKFLOW.fullScan,
  requested: WORKFLOW.requestedScan,
  retry: WORKFLOW.retryScan,
  apply: WORKFLOW.applyActions,
  'on-access': WORKFLOW.onAccess,
} as const;

export function workflowIdOf(job: {
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  readonly retry?: Pick<RetryTarget, 'first'>;
  readonly order?: Order;
  readonly shard?: number;
}): string {
  if (job.retry !== undefined) return retryWorkflowId(job.retry.first);
  if (job.order !== undefined) return applyWorkflowId(job.job, job.order);
  if (job.kind === 'on-access') return onAccessWorkflowId(job.source.id, job.shard ?? 0);
  return job.kind === 'requested' ? requestedScanWorkflowId(job.job) : fullScanWorkflowId(job.source);
}

/** What Temporal is told of a scan at its start. */
export function startOptions(request: StartRequest) {
  return {
    workflowId: workflowIdOf(request),
    taskQueue: QUEUE.orchestrate,
    args: [request] as [StartRequest],
    typedSearchAttributes: [
      { key: JOB, value: request.job },
      { key: CONNECTOR, value: request.source.id },
      { key: STATE, value: 'running' },
    ],
    staticSummary: summaryOf(request),
    priority: priorityOf(request),
  };
}

/** Starts a scan, or joins the equal one that runs. @throws what the client throws */
export function startOrJoin(client: Client, request: StartRequest): Promise<StartAnswer> {
  const type = request.pushed === undefined ? WORKFLOW_OF[request.kind] : WORKFLOW.remoteScan;
  const operation = new WithStartWorkflowOperation(type, {
    ...startOptions(request),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  // Nobody waits for the handle; its failure is the failure of the call.
  operation.workflowHandle().catch(() => undefined);
  return client.workflow.executeUpdateWithStart<() => Promise<unknown>, StartAnswer, [StartRequest]>(UPDATE.start, {
    args: [request],
    startWorkflowOperation: operation as never,
  });
}

/** One line of Markdown for the Temporal UI; names the source by its id alone. */
function summaryOf({ kind, source, settings, retry, order }: StartRequest): string {
  if (order?.why === 'restore') return `Puts back what job ${order.job} moved`;
  if (order !== undefined) return `Actions of job ${order.job}, ${order.why}${settings.dryRun ? ' (dry run)' : ''}`;
  const what =
    retry !== undefined ? `Retry of ${retry.of}, part` : kind === 'full' ? 'Full scan' : 'Scan of requested items';
  return `${what} of ${source.id}, action ${settings.action}${settings.dryRun ? ' (dry run)' : ''}`;
}
