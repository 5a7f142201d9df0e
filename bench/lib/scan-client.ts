import { createHash, randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import type { ScanSettings, Source } from '../../domain/job.ts';
import {
  fullScanWorkflowId,
  QUEUE,
  type StartAnswer,
  type StartRequest,
  UPDATE,
  WORKFLOW,
} from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';

type ScanWorkflow = (request: StartRequest) => Promise<JobResult>;

export interface StartedScan {
  readonly job: string;
  readonly workflow: string;
  readonly firstRun: string;
  result(): Promise<JobResult>;
}

export async function connectClient(address: string): Promise<Client> {
  return new Client({ connection: await Connection.connect({ address }) });
}

/** A folder as a source, as the API names it. */
export function folderSource(folder: string): Source {
  const path = realpathSync(folder);
  return { kind: 'folder', id: `folder-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`, path };
}

/** Starts a full scan as the API does. @param more of the request, such as the window */
export async function startFullScan(
  client: Client,
  source: Source,
  settings: ScanSettings,
  more: Partial<StartRequest> = {},
): Promise<StartedScan> {
  const request: StartRequest = { job: `job-${randomUUID()}`, kind: 'full', source, settings, actor: 'bench', ...more };
  const workflow = fullScanWorkflowId(source);
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW.fullScan, {
    workflowId: workflow,
    taskQueue: QUEUE.orchestrate,
    workflowIdConflictPolicy: 'FAIL',
    args: [request],
  });
  await client.workflow.executeUpdateWithStart<ScanWorkflow, StartAnswer, [StartRequest]>(UPDATE.start, {
    args: [request],
    startWorkflowOperation,
  });
  const handle = client.workflow.getHandle<ScanWorkflow>(workflow);
  const { raw } = await handle.describe();
  const firstRun = raw.workflowExecutionInfo?.firstRunId;
  if (!firstRun) throw new Error(`the scan ${workflow} has no first run`);
  return { job: request.job, workflow, firstRun, result: () => handle.result() };
}
