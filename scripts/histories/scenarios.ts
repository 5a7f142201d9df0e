import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { otherVersion } from '../../test/support/other-version.ts';
import { FAIRNESS_CHECK, QUEUE, requestedScanWorkflowId, WORKFLOW } from '../../workflows/messages.ts';
import * as after from './after-scenarios.ts';
import { changed } from './connector-scenarios.ts';
import { onAccess } from './on-access-scenarios.ts';
import * as remote from './remote-scenarios.ts';
import * as schedules from './schedule-scenarios.ts';
import type { Recorded, Stage } from './stage.ts';
import * as storage from './storage-scenarios.ts';

/** What is recorded, by the name of its file: the type of the workflow, then what becomes of it. Add a line for each new one. */
export const SCENARIOS: Readonly<Record<string, (stage: Stage) => Promise<Recorded>>> = {
  'full-scan.completed': completed,
  'full-scan.with-actions': withActions,
  'full-scan.running': running,
  'full-scan.paused': paused,
  'full-scan.held': held,
  'full-scan.cancelled': cancelled,
  'full-scan.failed': failed,
  'full-scan.handing-over': (stage) => continued(stage, 'handing-over', 'first'),
  'full-scan.continued': (stage) => continued(stage, 'continued', 'last'),
  'full-scan.upgraded': upgraded,
  'full-scan.limited': after.limited,
  'full-scan.braked': after.braked,
  'full-scan.awaited': schedules.awaited,
  'scheduled-scan.started': schedules.started,
  'scheduled-scan.skipped': schedules.skipped,
  'scheduled-scan.failed': schedules.failed,
  'requested-scan.completed': requested,
  'on-access.running': onAccess,
  'remote-scan.completed': remote.completed,
  'remote-scan.restarted': remote.restarted,
  'remote-scan.left-over': remote.leftOver,
  'remote-scan.continued': remote.continued,
  'retry-scan.completed': after.retried,
  'apply-actions.approved': after.approved,
  'apply-actions.rejected': after.rejected,
  'apply-actions.restored': after.restored,
  'item-lock.released': after.locked,
  'action-gate.decided': after.gated,
  'check-connector.completed': checked,
  'preview-connector.completed': storage.previewed,
  'connector.changed': changed,
  'connector-assets.completed': storage.withAssets,
  'estimate-connector.completed': storage.estimated,
  'estimate-connector.stopped': storage.stopped,
  'check-fairness.completed': fairness,
};

async function completed(stage: Stage): Promise<Recorded> {
  const scan = await stage.scan('completed', stage.folder('completed', 50));
  await scan.result();
  return scan;
}

async function withActions(stage: Stage): Promise<Recorded> {
  const quarantine = path.join(stage.plant.home, 'quarantine');
  const scan = await stage.scan('actions', stage.folder('actions', 30, 4), { action: 'move', quarantine });
  await scan.result();
  return scan;
}

async function running(stage: Stage): Promise<Recorded> {
  stage.slow();
  const scan = await stage.scan('running', stage.folder('running', 120));
  await scan.until((progress) => progress.pages.closed >= 3);
  return scan;
}

async function paused(stage: Stage): Promise<Recorded> {
  stage.slow();
  const scan = await stage.scan('paused', stage.folder('paused', 120));
  await scan.until((progress) => progress.pages.closed >= 3);
  await scan.control('pause', 'backup window');
  await scan.until((progress) => progress.pages.open === 0 && progress.commit !== undefined);
  return scan;
}

/** Held because the scanner refuses our token, probed, released, and on its way again. */
async function held(stage: Stage): Promise<Recorded> {
  stage.plant.standin.setOptions({ token: 'another' });
  const scan = await stage.scan('held', stage.folder('held', 30));
  await scan.until((progress) => progress.state === 'held');
  stage.instant();
  await scan.result();
  return scan;
}

async function cancelled(stage: Stage): Promise<Recorded> {
  stage.slow();
  const scan = await stage.scan('cancelled', stage.folder('cancelled', 200));
  await scan.until((progress) => progress.pages.closed >= 2);
  await scan.control('cancel', 'wrong folder');
  await scan.result();
  return scan;
}

async function failed(stage: Stage): Promise<Recorded> {
  const scan = await stage.scan('failed', path.join(stage.plant.home, 'nowhere'));
  await scan.result();
  return scan;
}

async function continued(stage: Stage, name: string, which: 'first' | 'last'): Promise<Recorded> {
  const scan = await stage.scan(name, stage.folder(name, 900));
  await scan.result();
  const runs = await stage.runs(scan.workflowId);
  if (runs.length < 2) throw new Error(`the scan ${name} did not continue as new`);
  return { workflowId: scan.workflowId, runId: runs.at(which === 'first' ? 0 : -1) as string };
}

/** A run that handed over because its workers have another version. */
async function upgraded(stage: Stage): Promise<Recorded> {
  stage.slow();
  const scan = await stage.scan('upgraded', stage.folder('upgraded', 100));
  await scan.until((progress) => progress.pages.closed >= 1);
  await scan.control('pause', 'upgrade');
  const next = await stage.worker(otherVersion(path.join(stage.plant.home, 'next')));
  while ((await stage.runs(scan.workflowId)).length < 2) await sleep(200);
  const [first] = await stage.runs(scan.workflowId);
  stage.instant();
  await scan.control('resume');
  await scan.result();
  next.kill('SIGTERM');
  await next.gone;
  await stage.worker();
  return { workflowId: scan.workflowId, runId: first as string };
}

async function requested(stage: Stage): Promise<Recorded> {
  const job = 'job-requested';
  const folder = stage.folder('requested', 10);
  const intake = await stage.plant.ledger
    .job(job)
    .writeIntake([{ location: 'd0000/f000003.txt' }, { location: 'gone' }]);
  const workflowId = requestedScanWorkflowId(job);
  const source = { kind: 'folder', id: 'folder-requested', path: folder } as const;
  const settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin' } as const;
  await stage.plant.client.workflow.execute(WORKFLOW.requestedScan, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ job, kind: 'requested', source, settings, actor: 'test', intake }],
  });
  return { workflowId };
}

async function fairness(stage: Stage): Promise<Recorded> {
  const workflowId = 'check-fairness:recorded';
  const handle = await stage.plant.client.workflow.start(WORKFLOW.checkFairness, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ queue: 'dsx.fairness-check.recorded', keys: ['first', 'second'], tasks: 3 }],
  });
  await handle.executeUpdate(FAIRNESS_CHECK.queued);
  await handle.signal(FAIRNESS_CHECK.done);
  await handle.result();
  return { workflowId };
}

async function checked(stage: Stage): Promise<Recorded> {
  const workflowId = 'check-connector:recorded';
  const source = { kind: 'folder', id: 'folder-checked', path: stage.folder('checked', 1) } as const;
  await stage.plant.client.workflow.execute(WORKFLOW.checkConnector, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ source, action: 'nothing' }],
  });
  return { workflowId };
}
