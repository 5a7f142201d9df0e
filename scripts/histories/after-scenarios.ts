import path from 'node:path';
import { listHash, type Order, type Verdict } from '../../domain/approval.ts';
import {
  applyWorkflowId,
  type DecideAnswer,
  type DecideRequest,
  GATE,
  type GateView,
  gateWorkflowId,
  ITEM_HOLD,
  itemHoldId,
  QUEUE,
  retryWorkflowId,
  WORKFLOW,
} from '../../workflows/messages.ts';
import type { Recorded, Stage } from './stage.ts';

/** What comes after a scan: its failures tried again, its actions held back, decided about and carried out. */

export async function retried(stage: Stage): Promise<Recorded> {
  stage.plant.standin.setFaults(['400']);
  const folder = stage.folder('retried', 20);
  const scan = await stage.scan('retried', folder);
  await scan.result();
  stage.instant();
  const workflowId = retryWorkflowId(scan.job);
  const source = { kind: 'folder', id: 'folder-retried', path: folder } as const;
  const settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin' } as const;
  const retry = { of: scan.job, first: scan.job, outcomes: ['failed'] } as const;
  await stage.plant.client.workflow.execute(WORKFLOW.retryScan, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ job: 'job-retry', kind: 'retry', source, settings, actor: 'test', retry }],
  });
  return { workflowId };
}

/** A scan of four findings that may act on one; one is approved, one rejected, one still waits. */
async function decided(stage: Stage, name: string): Promise<{ gate: string; apply: Record<Verdict, string> }> {
  const folder = stage.folder(name, 20, 4);
  const quarantine = path.join(stage.plant.home, `quarantine-${name}`);
  const scan = await stage.scan(name, folder, { action: 'move', quarantine, maxActions: 1, maxActionsWindow: 3600 });
  await scan.result();
  const gate = gateWorkflowId(`folder-${name}`);
  const handle = stage.plant.client.workflow.getHandle(gate);
  const apply = { approve: '', reject: '' };
  for (const [verdict, number] of [
    ['approve', 1],
    ['reject', 2],
  ] as const) {
    const { waiting } = await handle.query<GateView>(GATE.view);
    const request: DecideRequest = {
      verdict,
      through: number,
      only: [[number, number]],
      list: listHash(waiting, number),
      job: `job-${name}-${verdict}`,
      actor: 'test',
    };
    const answer = await handle.executeUpdate<DecideAnswer, [DecideRequest]>(GATE.decide, { args: [request] });
    apply[verdict] = answer.decision.jobs[0]?.job ?? '';
    await stage.plant.client.workflow.getHandle(`apply:${apply[verdict]}`).result();
  }
  return { gate, apply };
}

export async function gated(stage: Stage): Promise<Recorded> {
  return { workflowId: (await decided(stage, 'gated')).gate };
}

export async function approved(stage: Stage): Promise<Recorded> {
  return { workflowId: `apply:${(await decided(stage, 'approved')).apply.approve}` };
}

export async function rejected(stage: Stage): Promise<Recorded> {
  return { workflowId: `apply:${(await decided(stage, 'rejected')).apply.reject}` };
}

/** A scan whose actions wait. */
export async function braked(stage: Stage): Promise<Recorded> {
  const quarantine = path.join(stage.plant.home, 'quarantine-braked');
  const folder = stage.folder('braked', 20, 3);
  const scan = await stage.scan('braked', folder, {
    action: 'move',
    quarantine,
    maxActions: 1,
    maxActionsWindow: 3600,
  });
  await scan.result();
  return scan;
}

/** What a scan moved is put back. */
export async function restored(stage: Stage): Promise<Recorded> {
  const name = 'restored';
  const quarantine = path.join(stage.plant.home, `quarantine-${name}`);
  const folder = stage.folder(name, 5, 3);
  const scan = await stage.scan(name, folder, { action: 'move', quarantine });
  await scan.result();
  const job = `job-${name}-back`;
  const order: Order = { why: 'restore', job: scan.job, by: 'test', at: '2026-11-23T00:00:00.000Z' };
  const workflowId = applyWorkflowId(job, order);
  const source = { kind: 'folder', id: `folder-${name}`, path: folder } as const;
  const settings = { filter: '', action: 'move', dryRun: false, scanner: 'standin', quarantine } as const;
  await stage.plant.client.workflow.execute(WORKFLOW.applyActions, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ job, kind: 'apply', source, settings, actor: 'test', order }],
  });
  return { workflowId };
}

/** The hold of one item, released by another holder, and then by its own. */
export async function held(stage: Stage): Promise<Recorded> {
  const workflowId = itemHoldId('recorded');
  const handle = await stage.plant.client.workflow.start(WORKFLOW.itemHold, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: ['job-held 0-0:1'],
  });
  await handle.signal(ITEM_HOLD.release, 'another');
  await handle.signal(ITEM_HOLD.release, 'job-held 0-0:1');
  await handle.result();
  return { workflowId };
}

/** Limits that change while it runs. */
export async function limited(stage: Stage): Promise<Recorded> {
  stage.slow();
  const scan = await stage.scan('limited', stage.folder('limited', 120));
  await scan.until((progress) => progress.pages.closed >= 1);
  const { workflow } = stage.plant.client;
  const change = (limits: object) =>
    workflow
      .getHandle(scan.workflowId)
      .executeUpdate('setLimits', { args: [{ job: scan.job, actor: 'test', limits }] });
  await change({ itemsInFlight: 2 });
  await scan.until((progress) => progress.pages.closed >= 2);
  stage.instant();
  await change({ itemsInFlight: null });
  await scan.result();
  return scan;
}
