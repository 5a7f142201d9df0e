import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ControlError, type JobControl, workflowIdOf } from '../../api/control.ts';
import { createJobControl } from '../../api/job-control.ts';
import { newJobId } from '../../api/job-id.ts';
import { folderSource } from '../../api/start-request.ts';
import { QUEUE, type StartRequest } from '../../workflows/messages.ts';
import { Plant } from '../support/plant.ts';

/** Against a real Temporal server and a real worker. */
let plant: Plant;
let control: JobControl;
let folders = 0;
/** Started while no worker was there. */
let early: StartRequest;

function request(changes: Partial<StartRequest['settings']> = {}, folder = freshFolder()): StartRequest {
  return {
    job: newJobId(),
    kind: 'full',
    source: folderSource(folder),
    settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'standin', ...changes },
    actor: 'test',
  };
}
function freshFolder(): string {
  const folder = path.join(plant.folder, `f${++folders}`);
  mkdirSync(folder);
  for (let i = 0; i < 200; i += 1) writeFileSync(path.join(folder, `file-${i}`), `text ${i}`);
  return folder;
}
async function codeOf(call: Promise<unknown>): Promise<{ code: string; job: string | undefined }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ControlError) return { code: error.code, job: error.job };
    throw error;
  }
  throw new Error('it was not refused');
}

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 200, workers: 2 });
  control = createJobControl(plant.client, plant.temporal.address, { steer: 1_000, query: 1_000, check: 1_000 });
}, 120_000);
afterAll(() => plant.stop());

test('without a worker nobody answers, and that is told apart from no Temporal', async () => {
  const { queue, age } = (await control.queues([QUEUE.scan]))[0] ?? {};
  expect([queue, age]).toEqual([QUEUE.scan, undefined]);
  expect((await codeOf(control.check({ source: { kind: 'connector', id: 'none' }, action: 'nothing' }))).code).toBe(
    'no_worker',
  );
  early = request();
  const id = workflowIdOf(early);
  expect((await codeOf(control.start(early))).code).toBe('no_worker');
  expect((await codeOf(control.steer(id, 'pause', { job: early.job, actor: 'ann' }))).code).toBe('no_worker');
  const limits = { itemsInFlight: 1 };
  expect((await codeOf(control.setLimits(id, { job: early.job, actor: 'ann', limits }))).code).toBe('no_worker');
  // A cancel is kept for the worker to come.
  expect(await control.steer(id, 'cancel', { job: early.job, actor: 'ann' })).toMatchObject({
    job: early.job,
    state: 'cancelling',
  });
  // Never closed: a call that is being tried again would raise an error that nobody can catch.
  const connection = Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 500 });
  const nowhere = createJobControl(new Client({ connection }), '127.0.0.1:1', { steer: 500, query: 500, check: 500 });
  expect((await codeOf(nowhere.start(request()))).code).toBe('temporal_unreachable');
  expect((await codeOf(nowhere.queues([QUEUE.scan]))).code).toBe('temporal_unreachable');
  expect((await codeOf(nowhere.find('job-1'))).code).toBe('temporal_unreachable');
});

describe('with a worker', () => {
  beforeAll(async () => {
    await plant.worker();
    control = createJobControl(plant.client, plant.temporal.address, { steer: 20_000, query: 10_000, check: 20_000 });
  }, 120_000);

  test('a scan that was cancelled before there was a worker does nothing and ends', async () => {
    const result = await plant.client.workflow.getHandle(workflowIdOf(early)).result();
    expect(result).toMatchObject({ state: 'cancelled' });
    expect(plant.standin.stats().scans).toBe(0);
  }, 60_000);

  test('its queues are seen', async () => {
    await vi.waitFor(async () => {
      for (const { age } of await control.queues([QUEUE.orchestrate, QUEUE.scan])) expect(age).toBeLessThan(60_000);
    });
  });

  test('a scan is started, joined, refused to others, found, steered, and named in all of it', async () => {
    const first = request();
    const id = workflowIdOf(first);
    expect(await control.start(first)).toEqual({ job: first.job, joined: false });
    expect(await control.start({ ...first, job: newJobId() })).toEqual({ job: first.job, joined: true });
    const other = { ...first, job: newJobId(), settings: { ...first.settings, action: 'delete' as const } };
    expect(await codeOf(control.start(other))).toEqual({ code: 'scan_running', job: first.job });

    expect(await control.progress(id)).toMatchObject({ job: first.job, state: 'running' });
    await vi.waitFor(async () => expect(await control.find(first.job)).toBe(id), { timeout: 20_000 });
    expect(await control.find('job-none')).toBeUndefined();
    expect(await control.find('x" OR DsxJob != "')).toBeUndefined();

    const by = { job: first.job, actor: 'ann', reason: 'lunch' };
    expect(await control.steer(id, 'pause', by)).toMatchObject({ job: first.job, state: 'paused' });
    expect((await control.progress(id)).idle).toMatchObject({ why: 'paused', by: 'ann', reason: 'lunch' });
    expect(await control.steer(id, 'resume', by)).toMatchObject({ state: 'running' });
    expect((await codeOf(control.steer(id, 'pause', { ...by, job: 'job-other' }))).code).toBe('job_ended');
    const limits = { itemsInFlight: 3 };
    const set = await control.setLimits(id, { ...by, limits });
    expect(set).toMatchObject({ job: first.job, limits: { itemsInFlight: 3, by: 'ann', reason: 'lunch' } });
    expect(await control.setLimits(id, { ...by, actor: 'bob', limits })).toEqual(set);
    const refused = control.setLimits(id, { ...by, limits: { itemsInFlight: 0 } });
    expect((await codeOf(refused)).code).toBe('limits_invalid');
    expect((await codeOf(control.setLimits(id, { ...by, job: 'job-other', limits }))).code).toBe('job_ended');
    const cancelled = await control.steer(id, 'cancel', by);
    expect(cancelled).toMatchObject({ job: first.job, done: { counters: { outcomes: { failed: 0 } } } });
    await plant.client.workflow.getHandle(id).result();
    expect(['not_found', 'job_ended']).toContain((await codeOf(control.setLimits(id, { ...by, limits }))).code);
    expect(['not_found', 'job_ended']).toContain((await codeOf(control.steer(id, 'pause', by))).code);
    expect((await codeOf(control.steer('full-scan:none', 'pause', by))).code).toBe('not_found');
    expect((await codeOf(control.progress('full-scan:none'))).code).toBe('not_found');
    // The next scan of the same folder is another job.
    const next = request({}, first.source.kind === 'folder' ? first.source.path : '');
    expect(await control.start(next)).toEqual({ job: next.job, joined: false });
    await control.steer(id, 'cancel', { job: next.job, actor: 'ann' });
  }, 90_000);

  test('waiting for named items ends with them, with the time, or when the asker leaves', async () => {
    const folder = freshFolder();
    const asked = request({}, folder);
    const intake = await plant.ledger.job(asked.job).writeIntake([{ location: 'file-1' }, { location: 'file-2' }]);
    await control.startRequested({ ...asked, kind: 'requested', intake });
    expect(await control.untilEnded(asked.job, 1, new AbortController().signal)).toBe(false);
    expect(await control.untilEnded(asked.job, 1_000, AbortSignal.abort())).toBe(false);
    expect(await control.untilEnded(asked.job, 60_000, new AbortController().signal)).toBe(true);
  }, 90_000);

  test('the check of a connector comes back with what it found', async () => {
    const report = await control.check({ source: folderSource(freshFolder()), action: 'move' });
    expect(report.checks.length).toBeGreaterThan(0);
    const missing = await control.check({ source: { kind: 'connector', id: 'nobody' }, action: 'nothing' });
    expect(missing.ok).toBe(false);
  }, 60_000);
});
