import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { defineSearchAttributeKey, WorkflowNotFoundError } from '@temporalio/common';
import type { ChangedConnector, ConnectorChange } from '../domain/connector-entry.ts';
import {
  CONNECTOR,
  connectorWorkflowId,
  QUEUE,
  SCAN_WORKFLOWS,
  SEARCH_ATTRIBUTE,
  WORKFLOW,
} from '../workflows/messages.ts';
import type { Asking } from './gate-control.ts';

const JOB = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
/** Most jobs that are named. */
const MOST_JOBS = 100;

/** A job of a connector that runs. */
export interface RunningJob {
  readonly job: string;
  readonly workflowId: string;
  /** It scans what the connector's source tells of, and runs as long as that is watched. */
  readonly live: boolean;
}

/** What the API asks for connectors that are made through it. Every method throws ControlError and keeps the deadline it names. */
export interface ConnectorCalls {
  /** Changes one, behind every change of it that is under way. Deadline 10 s. */
  changeConnector(change: ConnectorChange): Promise<ChangedConnector>;
  /** Its jobs that run, by visibility (which lags by a second or so). Deadline 3 s. */
  jobsOf(connector: string): Promise<readonly RunningJob[]>;
}

/** @throws what the client throws */
async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

export function createConnectorCalls(
  client: Client,
  asking: Asking,
  deadlines: { readonly steer: number; readonly query: number },
): ConnectorCalls {
  return {
    changeConnector: (change) =>
      asking(`the change of connector ${change.id}`, undefined, deadlines.steer, () => {
        const operation = new WithStartWorkflowOperation(WORKFLOW.connector, {
          workflowId: connectorWorkflowId(change.id),
          taskQueue: QUEUE.orchestrate,
          args: [],
          workflowIdConflictPolicy: 'USE_EXISTING',
          // Changes wait for the ledger at most so long.
          workflowExecutionTimeout: '1h',
          staticSummary: `Changes connector ${change.id}`,
          priority: { priorityKey: 1 },
        });
        // Nobody waits for the handle; its failure is the failure of the call.
        operation.workflowHandle().catch(() => undefined);
        return client.workflow.executeUpdateWithStart<() => Promise<unknown>, ChangedConnector, [ConnectorChange]>(
          CONNECTOR.change,
          { args: [change], startWorkflowOperation: operation as never },
        );
      }),
    jobsOf: (connector) =>
      asking(`the jobs of ${connector}`, undefined, deadlines.query, async () => {
        const types = SCAN_WORKFLOWS.map((type) => `"${type}"`).join(', ');
        const query = `ExecutionStatus = "Running" AND ${SEARCH_ATTRIBUTE.connector} = "${connector}" AND WorkflowType IN (${types})`;
        const found: RunningJob[] = [];
        for await (const { workflowId, type, typedSearchAttributes } of client.workflow.list({ query })) {
          found.push({ job: typedSearchAttributes.get(JOB) ?? '', workflowId, live: type === WORKFLOW.onAccess });
          if (found.length === MOST_JOBS) break;
        }
        // The list lags behind: a scan that has just ended keeps nobody.
        const running = await Promise.all(found.map(({ workflowId }) => isRunning(client, workflowId)));
        return found.filter((_, index) => running[index]);
      }),
  };
}
