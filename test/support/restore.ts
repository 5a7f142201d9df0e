import type { Order } from '../../domain/approval.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { pageQuarantine, type Quarantined } from '../../ledger/quarantine.ts';
import { applyWorkflowId, QUEUE, type StartRequest, WORKFLOW } from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import type { Plant } from './plant.ts';

let restores = 0;

export interface StartedRestore {
  readonly job: string;
  result(): Promise<JobResult>;
}

/** Starts a restore of what a job moved in a folder, as the API does. */
export async function startRestore(
  plant: Plant,
  of: string,
  folder: string,
  settings: ScanSettings,
  items?: readonly string[],
): Promise<StartedRestore> {
  const job = `restore-${++restores}`;
  const order: Order = { why: 'restore', job: of, by: 'ann', at: new Date().toISOString(), reason: 'false alarm' };
  const { maxActions: _, maxActionsWindow: __, ...rest } = settings;
  const request: StartRequest = {
    job,
    kind: 'apply',
    source: plant.source(folder),
    settings: { ...rest, dryRun: false },
    actor: 'ann',
    order,
    ...(items !== undefined && { items }),
  };
  const handle = await plant.client.workflow.start(WORKFLOW.applyActions, {
    workflowId: applyWorkflowId(job, order),
    taskQueue: QUEUE.orchestrate,
    args: [request],
  });
  return { job, result: () => handle.result() as Promise<JobResult> };
}

/** Everything in quarantine of a folder, read in pages of so many. */
export async function quarantined(plant: Plant, folder: string, limit = 1000): Promise<Quarantined[]> {
  const found: Quarantined[] = [];
  let after: string | undefined;
  do {
    const query = { source: plant.source(folder).id, limit, ...(after !== undefined && { after }) };
    const page = await pageQuarantine(plant.ledger, query);
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}
