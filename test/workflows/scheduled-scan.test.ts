import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ScheduleDefinition } from '../../domain/schedule/schedule.ts';
import { countRuns, type ScheduleRun, scheduleRuns } from '../../schedules/runs.ts';
import { createScheduleStore, type ScheduleStore } from '../../schedules/store.ts';
import { fullScanWorkflowId } from '../../workflows/messages.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';
import { until } from '../support/stage.ts';

let plant: Plant;
let store: ScheduleStore;
const made: string[] = [];

beforeAll(async () => {
  plant = await Plant.start({ remember: 100_000 });
  const connectors = ['slow', 'quick', 'manual', 'away', 'gone'].map((id) => {
    const folder = path.join(plant.folder, id);
    mkdirSync(folder);
    writeMany(folder, id === 'slow' || id === 'manual' ? 400 : 10);
    return `  - id: ${id}\n    kind: filesystem\n    asset: ${folder}\n`;
  });
  mkdirSync(path.join(plant.home, 'state'), { recursive: true });
  writeFileSync(path.join(plant.home, 'state', 'dsx-connect.yaml'), `connectors:\n${connectors.join('')}`);
  store = createScheduleStore(plant.client);
  await plant.worker();
});
afterEach(async () => {
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  for (const id of made.splice(0)) await store.delete(id).catch(() => undefined);
});
afterAll(() => plant.stop());

const slowly = () => plant.standin.setOptions({ latencyMs: 100, workers: 5 });

async function make(definition: Partial<ScheduleDefinition> & { id: string; connector: string }): Promise<void> {
  made.push(definition.id);
  await store.create({
    mode: 'full',
    spec: { cron: ['0 0 1 1 *'] },
    overlap: 'skip',
    scan: { scanner: 'standin' },
    managed: 'api',
    revision: 1,
    createdBy: 'test',
    createdAt: new Date().toISOString(),
    ...definition,
  });
}

const runsOf = (id: string) => scheduleRuns(plant.client, id, 100);

async function untilRuns(id: string, holds: (runs: ScheduleRun[]) => boolean): Promise<ScheduleRun[]> {
  await until(async () => holds(await runsOf(id)), 40_000);
  return runsOf(id);
}

/** Runs of the connector's scan, by how often it was begun. */
async function scansOf(connector: string): Promise<number> {
  const id = fullScanWorkflowId({ kind: 'connector', id: connector });
  let count = 0;
  for await (const _ of plant.client.workflow.list({ query: `WorkflowId = "${id}"` })) count++;
  return count;
}

it('every few seconds, over a scan that takes longer: one at a time, and what was left out is counted', async () => {
  slowly();
  await make({ id: 'often', connector: 'slow', spec: { every: 2 } });
  const [first] = await untilRuns('often', (runs) => runs.some((run) => run.outcome === 'started'));
  expect(first).toMatchObject({ outcome: 'started', running: true, job: expect.stringMatching(/^job-/) });
  await until(async () => (await store.get('often')).counts.overlapped >= 2);
  expect((await runsOf('often')).filter((run) => run.running)).toHaveLength(1);
  await store.pause('often', 'enough');
  const [ended] = await untilRuns('often', (runs) => runs.every((run) => !run.running));
  expect(ended).toMatchObject({ outcome: 'started', state: 'completed' });
  const jobs = (await runsOf('often')).map((run) => run.job);
  expect(new Set(jobs).size).toBe(jobs.length);
  expect(await scansOf('slow')).toBe(jobs.length);
  const job = await plant.ledger.job(first?.job ?? '').header();
  expect(job).toMatchObject({ actor: 'schedule:often' });
}, 60_000);

it('triggered while a run goes on: nothing is started; triggered later: one run', async () => {
  slowly();
  await make({ id: 'now', connector: 'slow' });
  await store.trigger('now');
  await untilRuns('now', (runs) => runs.some((run) => run.outcome === 'started'));
  await expect(store.trigger('now')).rejects.toMatchObject({ code: 'schedule_running' });
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  expect(await untilRuns('now', (runs) => runs.every((run) => !run.running))).toHaveLength(1);
}, 60_000);

it('an equal scan that runs is joined and waited for, another one is left alone', async () => {
  slowly();
  const source = { kind: 'connector', id: 'manual' } as const;
  const quarantine = path.join(plant.home, 'state', 'quarantine', 'manual');
  const scan = await plant.start({ quarantine }, { source });
  await make({ id: 'equal', connector: 'manual' });
  await make({ id: 'other', connector: 'manual', scan: { scanner: 'standin', filter: '*.txt' } });
  await store.trigger('equal');
  await store.trigger('other');
  const [joined] = await untilRuns('equal', (runs) => runs.some((run) => run.outcome === 'joined'));
  expect(joined).toMatchObject({ outcome: 'joined', job: scan.job, running: true });
  const [skipped] = await untilRuns('other', (runs) => runs.some((run) => !run.running));
  expect(skipped).toMatchObject({ outcome: 'skipped', reason: 'scan_running', job: scan.job });
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  await scan.result();
  const [over] = await untilRuns('equal', (runs) => runs.every((run) => !run.running));
  expect(over).toMatchObject({ outcome: 'joined', state: 'completed' });
  expect(await scansOf('manual')).toBe(1);
  expect(await countRuns(plant.client, 'equal')).toMatchObject({ joined: 1, started: 0, skipped: 0 });
  expect(await countRuns(plant.client, 'other')).toMatchObject({ skipped: 1, started: 0 });
}, 60_000);

it('a run that is cancelled leaves its scan alone', async () => {
  slowly();
  await make({ id: 'stopped', connector: 'slow' });
  await store.trigger('stopped');
  const [run] = await untilRuns('stopped', (runs) => runs.some((one) => one.outcome === 'started'));
  await plant.client.workflow.getHandle(run?.run ?? '').cancel();
  const [cancelled] = await untilRuns('stopped', (runs) => runs.every((one) => !one.running));
  expect(cancelled).toMatchObject({ outcome: 'started', job: run?.job });
  const scan = plant.client.workflow.getHandle('full-scan:slow');
  expect((await scan.describe()).status.name).toBe('RUNNING');
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  expect(await scan.result()).toMatchObject({ job: run?.job, state: 'completed' });
}, 60_000);

it('a connector that is not configured any more: the run fails and says so', async () => {
  await make({ id: 'lost', connector: 'nowhere' });
  await store.trigger('lost');
  const [run] = await untilRuns('lost', (runs) => runs.some((one) => !one.running));
  expect(run).toMatchObject({ outcome: 'failed', reason: 'schedule_invalid' });
  expect(run?.detail).toContain('no connector nowhere');
}, 60_000);

it('times are made up for: one run for all of them, or one after the other', async () => {
  await make({ id: 'back', connector: 'quick', spec: { every: 3_600 } });
  const [start, end] = [new Date('2026-11-01T00:00:00Z'), new Date('2026-11-01T02:00:00Z')];
  await store.backfill('back', start, end, 'buffer_all');
  const runs = await untilRuns('back', (all) => all.length === 3 && all.every((run) => !run.running));
  expect(runs.map((run) => run.at).sort()).toEqual([
    '2026-11-01T00:00:00.000Z',
    '2026-11-01T01:00:00.000Z',
    '2026-11-01T02:00:00.000Z',
  ]);
  expect(runs.every((run) => run.outcome === 'started' && run.state === 'completed')).toBe(true);
  expect(await scansOf('quick')).toBe(3);
  slowly();
  await store.backfill('back', start, end, 'skip');
  await until(async () => (await store.get('back')).counts.overlapped === 2);
}, 60_000);

it('paused and resumed, as Temporal itself tells', async () => {
  await make({ id: 'paused', connector: 'quick', spec: { every: 3_600 } });
  const temporal = plant.client.schedule.getHandle('dsx-schedule:paused');
  expect((await store.get('paused')).next).toHaveLength(10);
  await store.pause('paused', 'moving house');
  expect((await temporal.describe()).state).toMatchObject({ paused: true, note: 'moving house' });
  expect(await store.get('paused')).toMatchObject({ paused: true, note: 'moving house', next: [] });
  await store.resume('paused', 'moved');
  expect((await temporal.describe()).state).toMatchObject({ paused: false, note: 'moved' });
});

it('no worker for a while: one run is begun once there is one, the times since are counted', async () => {
  await plant.stopWorkers();
  await make({ id: 'late', connector: 'away', spec: { every: 2 } });
  await until(async () => (await store.get('late')).counts.overlapped >= 2);
  expect(await scansOf('away')).toBe(0);
  await store.pause('late', 'enough');
  await plant.worker();
  const runs = await untilRuns('late', (all) => all.every((run) => !run.running));
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({ outcome: 'started', state: 'completed' });
}, 60_000);
