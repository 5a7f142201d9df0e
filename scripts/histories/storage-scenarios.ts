import { ESTIMATE, type EstimateView, QUEUE, WORKFLOW } from '../../workflows/messages.ts';
import type { Recorded, Stage } from './stage.ts';

/** What is asked of a storage before it is scanned. */

const settings = { filter: '*.txt' } as const;

function sourceOf(stage: Stage, name: string, files: number) {
  return { kind: 'folder', id: `folder-${name}`, path: stage.folder(name, files) } as const;
}

export async function previewed(stage: Stage): Promise<Recorded> {
  const workflowId = 'preview:recorded';
  const args = [{ source: sourceOf(stage, 'previewed', 10), settings, limit: 5 }];
  const taskQueue = QUEUE.orchestrate;
  await stage.plant.client.workflow.execute(WORKFLOW.previewConnector, { workflowId, taskQueue, args });
  return { workflowId };
}

export async function withAssets(stage: Stage): Promise<Recorded> {
  const workflowId = 'assets:recorded';
  const args = [{ source: sourceOf(stage, 'assets', 10), limit: 5 }];
  const taskQueue = QUEUE.orchestrate;
  await stage.plant.client.workflow.execute(WORKFLOW.connectorAssets, { workflowId, taskQueue, args });
  return { workflowId };
}

export async function estimated(stage: Stage): Promise<Recorded> {
  const workflowId = 'estimate:recorded';
  const args = [{ source: sourceOf(stage, 'estimated', 50), settings, maxSeconds: 60 }];
  const taskQueue = QUEUE.orchestrate;
  await stage.plant.client.workflow.execute(WORKFLOW.estimateConnector, { workflowId, taskQueue, args });
  return { workflowId };
}

/** At a site where no worker is. */
export async function stopped(stage: Stage): Promise<Recorded> {
  const workflowId = 'estimate:stopped';
  const args = [{ source: sourceOf(stage, 'stopped', 1), settings, maxSeconds: 60, site: 'nowhere' }];
  const taskQueue = QUEUE.orchestrate;
  const handle = await stage.plant.client.workflow.start(WORKFLOW.estimateConnector, { workflowId, taskQueue, args });
  await handle.executeUpdate<EstimateView, []>(ESTIMATE.stop, { args: [] });
  await handle.result();
  return { workflowId };
}
