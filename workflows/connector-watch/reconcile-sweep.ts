import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  getExternalWorkflowHandle,
  log,
  ParentClosePolicy,
  startChild,
  uuid4,
} from '@temporalio/workflow';
import type { SweepReport, WatchOrder } from '../../domain/watch.ts';
import {
  fullScanWorkflowId,
  priorityOf,
  SEARCH_ATTRIBUTE,
  type StartRequest,
  WATCH,
  WORKFLOW,
  watchWorkflowId,
} from '../messages.ts';
import { failureOf } from '../scan-job/activity-failure.ts';
import type { JobResult } from '../scan-job/state.ts';

const keyOf = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');

/** One sweep: a full scan that leaves out what is unchanged, whose end is told to the watch. Outlives any run of that. */
export async function reconcileSweep(order: WatchOrder): Promise<SweepReport> {
  return await CancellationScope.nonCancellable(async () => {
    const report = await sweep(order);
    try {
      await getExternalWorkflowHandle(watchWorkflowId(order.connector)).signal(WATCH.swept, report);
    } catch (error) {
      log.info('the connector is no longer watched', { error });
    }
    return report;
  });
}

async function sweep(order: WatchOrder): Promise<SweepReport> {
  const request = requestOf(order);
  if (request === undefined) return { at: now(), outcome: 'failed', state: 'scanner_not_named' };
  const { job, source } = request;
  try {
    const child = await startChild(WORKFLOW.fullScan, {
      workflowId: fullScanWorkflowId(source),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [request],
      typedSearchAttributes: [
        { key: keyOf(SEARCH_ATTRIBUTE.job), value: job },
        { key: keyOf(SEARCH_ATTRIBUTE.connector), value: source.id },
        { key: keyOf(SEARCH_ATTRIBUTE.state), value: 'running' },
      ],
      staticSummary: `Sweep of connector ${source.id}`,
      priority: priorityOf(request),
    });
    return reportOf((await child.result()) as JobResult);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { at: now(), outcome: 'skipped' };
    const { code } = failureOf(error);
    return { at: now(), outcome: 'failed', job, state: code };
  }
}

/** What a sweep finds is what is new or changed and no event had brought; the first one of all finds nothing, for it knows nothing. */
function reportOf({ job, state, listed, unannounced }: JobResult): SweepReport {
  return { at: now(), outcome: 'swept', job, state, listed, ...(unannounced !== undefined && { found: unannounced }) };
}

function requestOf({ connector, site, scan }: WatchOrder): StartRequest | undefined {
  if (scan === undefined) return undefined;
  const second = now().replace(/[-:]/g, '').slice(0, 15);
  return {
    job: `job-${second}-${uuid4().replaceAll('-', '').slice(0, 9)}`,
    kind: 'full',
    source: { kind: 'connector', id: connector },
    settings: scan,
    actor: 'watch',
    ...(site !== undefined && { site }),
  };
}

function now(): string {
  return new Date().toISOString();
}
