import type { ScheduleDefinition } from '../../domain/schedule/schedule.ts';
import { QUEUE, WORKFLOW } from '../../workflows/messages.ts';
import { type Recorded, SCHEDULED, type Stage } from './stage.ts';

/** Runs of schedules, of the one connector that the stage has. */

function definition(name: string, scan: ScheduleDefinition['scan'] = {}): ScheduleDefinition {
  return {
    id: name,
    connector: SCHEDULED,
    mode: 'full',
    spec: { every: 3_600 },
    overlap: 'skip',
    scan: { scanner: 'standin', ...scan },
    managed: 'api',
    revision: 1,
    createdBy: 'test',
    createdAt: '2026-11-01T00:00:00.000Z',
  };
}

function run(stage: Stage, name: string, scan?: ScheduleDefinition['scan']) {
  return stage.plant.client.workflow.start(WORKFLOW.scheduledScan, {
    workflowId: `scheduled-scan:${name}`,
    taskQueue: QUEUE.orchestrate,
    args: [definition(name, scan)],
  });
}

/** Started, and told of the end. */
export async function started(stage: Stage): Promise<Recorded> {
  const handle = await run(stage, 'started');
  await handle.result();
  return { workflowId: handle.workflowId };
}

/** The scan that tells it. */
export async function awaited(stage: Stage): Promise<Recorded> {
  await (await run(stage, 'awaited')).result();
  return { workflowId: `full-scan:${SCHEDULED}` };
}

/** Another scan runs, which is none of its business. */
export async function skipped(stage: Stage): Promise<Recorded> {
  stage.slow();
  const source = { kind: 'connector', id: SCHEDULED } as const;
  const scan = await stage.plant.start({ filter: '*.txt' }, { job: 'job-in-the-way', source });
  const handle = await run(stage, 'skipped');
  await handle.result();
  stage.instant();
  await scan.result();
  return { workflowId: handle.workflowId };
}

/** Its scanner is not configured any more. */
export async function failed(stage: Stage): Promise<Recorded> {
  const handle = await run(stage, 'failed', { scanner: 'gone' });
  await handle.result().catch(() => undefined);
  return { workflowId: handle.workflowId };
}
