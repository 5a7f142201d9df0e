import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { CheckReport } from '../connectors/connector.ts';
import type { ItemAction } from '../domain/action.ts';
import type { Source } from '../domain/job.ts';
import type { ObjectRef } from '../ledger/types.ts';
import {
  type AssetsRequest,
  ESTIMATE,
  type EstimateRequest,
  type EstimateView,
  estimateWorkflowId,
  type PreviewRequest,
  QUEUE,
  WORKFLOW,
} from '../workflows/messages.ts';
import type { Asking } from './gate-control.ts';

/** What the API has asked of a storage, where it can be reached. Every method throws ControlError and keeps the deadline it names. */
export interface StorageCalls {
  /** Runs a connector's check at its site. Deadline 30 s. */
  check(request: CheckRequest): Promise<CheckReport>;
  /** The reference of the answer in the ledger. Deadline 30 s. */
  preview(request: PreviewRequest): Promise<ObjectRef>;
  /** The reference of the answer in the ledger. Deadline 30 s. */
  assets(request: AssetsRequest): Promise<ObjectRef>;
  /** Starts an estimate under this id. Deadline 10 s. */
  startEstimate(estimate: string, request: EstimateRequest): Promise<void>;
  /** Undefined when there is none of this id (any more). Deadline 3 s. */
  estimate(estimate: string): Promise<EstimateView | undefined>;
  /** Ends it; one that has ended stays as it is. Undefined when there is none of this id. Deadline 30 s. */
  stopEstimate(estimate: string): Promise<EstimateView | undefined>;
}

export interface CheckRequest {
  readonly source: Source;
  readonly action: ItemAction;
  /** Where a scan would move items to. */
  readonly quarantine?: string;
  readonly site?: string;
}

/** Somebody waits for it. */
const FIRST = { priorityKey: 1 };
/** Behind every scan: an estimate may list for an hour. */
const LAST = { priorityKey: 4 };
/** An estimate that no worker takes, or whose last turn hangs, ends so long after its time. In seconds. */
const OVERTIME = 600;

export function createStorageCalls(
  client: Client,
  asking: Asking,
  deadlines: { readonly steer: number; readonly query: number; readonly check: number },
): StorageCalls {
  /** A short workflow, from its start to its answer. */
  function carriedOut<Request extends { readonly source: Source }, Answer>(
    what: string,
    type: string,
    prefix: string,
    request: Request,
  ): Promise<Answer> {
    const { id } = request.source;
    return asking(
      `${what} of ${id}`,
      undefined,
      deadlines.check,
      () =>
        client.workflow.execute(type, {
          workflowId: `${prefix}:${id}:${randomBytes(8).toString('hex')}`,
          taskQueue: QUEUE.orchestrate,
          args: [request],
          workflowExecutionTimeout: deadlines.check,
          staticSummary: `${what} of ${id}`,
          priority: FIRST,
        }) as Promise<Answer>,
    );
  }

  async function view(estimate: string): Promise<EstimateView | undefined> {
    return asking(`estimate ${estimate}`, undefined, deadlines.query, async () => {
      try {
        return await client.workflow.getHandle(estimateWorkflowId(estimate)).query<EstimateView>(ESTIMATE.view);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    });
  }

  return {
    check: (request) => carriedOut('the check', WORKFLOW.checkConnector, 'check-connector', request),
    preview: (request) => carriedOut('the preview', WORKFLOW.previewConnector, 'preview', request),
    assets: (request) => carriedOut('the assets', WORKFLOW.connectorAssets, 'assets', request),
    startEstimate: async (estimate, request) => {
      await asking(`the start of ${estimate}`, undefined, deadlines.steer, () =>
        client.workflow.start(WORKFLOW.estimateConnector, {
          workflowId: estimateWorkflowId(estimate),
          taskQueue: QUEUE.orchestrate,
          args: [request],
          workflowExecutionTimeout: `${request.maxSeconds + OVERTIME}s`,
          staticSummary: `Estimate of ${request.source.id}`,
          priority: LAST,
        }),
      );
    },
    estimate: view,
    stopEstimate: (estimate) =>
      asking(`the stop of ${estimate}`, undefined, deadlines.check, async () => {
        try {
          const handle = client.workflow.getHandle(estimateWorkflowId(estimate));
          return await handle.executeUpdate<EstimateView, []>(ESTIMATE.stop, { args: [] });
        } catch (error) {
          // It has ended, or is not there: what it says of itself tells which.
          if (error instanceof WorkflowNotFoundError) return view(estimate);
          throw error;
        }
      }),
  };
}
