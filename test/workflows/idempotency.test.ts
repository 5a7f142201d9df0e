import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../../api/client.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { fullScanWorkflowId } from '../../workflows/messages.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
let api: RealApi;
let folders = 0;
let keys = 0;

beforeAll(async () => {
  plant = await Plant.start();
  const config = path.join(plant.home, 'dsx.yaml');
  const share = path.join(plant.home, 'share');
  writeFiles(share, { 'a.txt': 'a', 'b.txt': 'b' });
  writeFileSync(config, `connectors:\n  - id: share\n    kind: filesystem\n    asset: ${share}\n`);
  await plant.worker({ DSX_CONFIG: config, DSXA_METADATA: 'on' });
  api = await startRealApi(plant, { DSX_CONFIG: config });
});
afterAll(async () => {
  await api?.stop();
  await plant.stop();
});
afterEach(() => plant.standin.setOptions({ latencyMs: 0, workers: 1_000 }));

function freshFolder(files: number): string {
  const folder = path.join(plant.folder, `t${++folders}`);
  writeMany(folder, files);
  return folder;
}
const WAIT = { timeout: 20_000, interval: 50 };
const newKey = (): string => `key-${++keys}`;
const bodyHash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A scan that goes on until `finish`. */
function slow(): void {
  plant.standin.setOptions({ latencyMs: 250, workers: 1 });
}
async function finish(folder: string) {
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  return plant.client.workflow.getHandle(fullScanWorkflowId(plant.source(folder))).result();
}

/** How often a workflow of this folder was started. */
async function runs(folder: string): Promise<number> {
  let count = 0;
  const query = `WorkflowId = "${plant.source(folder).id}"`;
  for await (const _ of plant.client.workflow.list({ query })) count += 1;
  return count;
}

/** One account, one chain, and nothing beside it. */
async function expectOneAccount(job: string): Promise<void> {
  const report = await verifyJob(plant.ledger.job(job), {});
  expect(report.problems).toEqual([]);
  const finals = (await plant.ledger.job(job).chain()).links.filter(({ final }) => final);
  expect(finals).toHaveLength(1);
  let commits = 0;
  for await (const _ of plant.ledger.job(job).objects.list('commits')) commits += 1;
  expect(commits).toBe((await plant.ledger.job(job).chain()).links.length);
}

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiError) return error;
  throw new Error(`it was not refused: ${error}`);
}

describe('a start with an idempotency key', () => {
  test('repeated while it runs and after its end: the same job, and nothing is started', async () => {
    const folder = freshFolder(8);
    const body = { folder, scanner: 'standin' };
    const key = { idempotencyKey: newKey() };
    slow();
    const first = await api.client.startJob(body, key);
    expect(first).toMatchObject({ joined: false });
    expect(first.repeated).toBeUndefined();
    expect(first.job).toMatch(/^job-k-[0-9a-f]{24}$/);
    expect(await api.client.startJob({ scanner: 'standin', folder }, key)).toEqual({ ...first, repeated: true });
    await finish(folder);
    expect(await api.client.startJob(body, key)).toEqual({ ...first, repeated: true });
    expect(await runs(folder)).toBe(1);
    expect(await api.client.job(first.job)).toMatchObject({ state: 'completed', listed: 8 });
    await expectOneAccount(first.job);
    const next = await api.client.startJob(body, { idempotencyKey: newKey() });
    expect(next.job).not.toBe(first.job);
    await finish(folder);
  });

  test('another body under the same key: 422 with the job, while it runs and after its end', async () => {
    const folder = freshFolder(4);
    const key = { idempotencyKey: newKey() };
    slow();
    const { job } = await api.client.startJob({ folder, scanner: 'standin' }, key);
    const other = { folder, scanner: 'standin', filter: '*.txt' };
    for (const when of ['running', 'ended']) {
      const error = await refusal(api.client.startJob(other, key));
      expect([when, error.code, error.status, error.problem?.job]).toEqual([when, 'idempotency_mismatch', 422, job]);
      if (when === 'running') await finish(folder);
    }
    expect(await runs(folder)).toBe(1);
  });

  test('many at once: one starts, all answer the same job', async () => {
    const folder = freshFolder(4);
    const key = { idempotencyKey: newKey() };
    slow();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.client.startJob({ folder, scanner: 'standin' }, key)),
    );
    expect(new Set(answers.map(({ job }) => job)).size).toBe(1);
    expect(answers.filter(({ repeated }) => repeated === undefined)).toHaveLength(1);
    await finish(folder);
    await expectOneAccount(answers[0]?.job ?? '');
  });

  test("one that joins another's scan stands for that scan for good", async () => {
    const folder = freshFolder(6);
    const body = { folder, scanner: 'standin' };
    const key = { idempotencyKey: newKey() };
    slow();
    const other = await api.client.startJob(body);
    expect(await api.client.startJob(body, key)).toMatchObject({ job: other.job, joined: true });
    expect(await api.client.startJob(body, key)).toMatchObject({ job: other.job, joined: true, repeated: true });
    await finish(folder);
    expect(await api.client.startJob(body, key)).toMatchObject({ job: other.job, joined: true, repeated: true });
    const error = await refusal(api.client.startJob({ ...body, filter: '*.txt' }, key));
    expect([error.code, error.problem?.job]).toEqual(['idempotency_mismatch', other.job]);
    expect(await runs(folder)).toBe(1);
    const { jobs } = await api.client.jobs({ limit: 1_000 });
    expect(jobs.filter(({ source }) => source.id === plant.source(folder).id)).toHaveLength(1);
  });

  test('one that is refused binds nothing', async () => {
    const folder = freshFolder(6);
    const key = { idempotencyKey: newKey() };
    slow();
    await api.client.startJob({ folder, scanner: 'standin', filter: '*.doc' });
    expect((await refusal(api.client.startJob({ folder, scanner: 'standin' }, key))).code).toBe('scan_running');
    await finish(folder);
    expect((await api.client.startJob({ folder, scanner: 'standin' }, key)).repeated).toBeUndefined();
    await finish(folder);
  });

  test.each(['', ' ', 'a b', 'ä', 'x'.repeat(256), 'a, b'])('the key %j is refused', async (key) => {
    const answer = await fetch(`${api.origin}/dsx-connect/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ folder: freshFolder(1), scanner: 'standin' }),
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'request_invalid']);
  });
});

describe('a workflow that comes too late for its key', () => {
  test('ends with the account that is there, and writes nothing', async () => {
    const folder = freshFolder(5);
    const request = { source: plant.source(folder), job: 'job-k-late', bodyHash: bodyHash('a') };
    const first = await plant.start({}, request);
    const result = await first.result();
    const before = [...(await names('job-k-late'))];
    const late = await plant.start({}, request);
    expect(late.job).toBe('job-k-late');
    expect(await late.result()).toEqual(result);
    expect(await names('job-k-late')).toEqual(before);
    const refused = await plant.start({}, { ...request, bodyHash: bodyHash('b') }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'idempotency_mismatch' });
    expect(await names('job-k-late')).toEqual(before);
    await expectOneAccount('job-k-late');
  });

  test('and one whose job was terminated starts no second one', async () => {
    const folder = freshFolder(5);
    slow();
    const request = { source: plant.source(folder), job: 'job-k-cut', bodyHash: bodyHash('a') };
    const first = await plant.start({}, request);
    await plant.client.workflow.getHandle(first.workflowId).terminate('the test');
    const late = await plant.start({}, request);
    await expect(late.result()).rejects.toMatchObject({ cause: { type: 'begun_before' } });
    expect((await plant.ledger.job('job-k-cut').chain()).links).toEqual([]);
  });

  test('starts that race with the end all get the same job, and it has one account', async () => {
    const folder = freshFolder(1);
    const request = { source: plant.source(folder), job: 'job-k-race', bodyHash: bodyHash('a') };
    const first = await plant.start({}, request);
    let ended = false;
    void first.result().then(() => {
      ended = true;
    });
    let after = 0;
    while (after < 10) {
      const some = await Promise.all([1, 2, 3].map(() => plant.start({}, request).catch(gone)));
      for (const one of some) if (one !== undefined) expect(one.job).toBe('job-k-race');
      if (ended) after += 1;
    }
    await expectOneAccount('job-k-race');
  });

  test('a plain start that meets it starts its own scan', async () => {
    const folder = freshFolder(2);
    const source = plant.source(folder);
    const keyed = { source, job: 'job-k-met', bodyHash: bodyHash('a') };
    await (await plant.start({}, keyed)).result();
    for (let i = 0; i < 5; i++) {
      const [late, plain] = await Promise.all([
        plant.start({}, keyed).catch(gone),
        plant.start({}, { source, job: `job-plain-${i}` }).catch(endedMeanwhile),
      ]);
      if (late !== undefined) expect(late.job).toBe('job-k-met');
      if (plain !== undefined) expect(plain.job).not.toBe('job-k-met');
      await plant.client.workflow.getHandle(fullScanWorkflowId(source)).result();
    }
    await expectOneAccount('job-k-met');
  });
});

test('a scan of named items is repeated like any other: the same rows, and no second scan', async () => {
  const body = { connector: 'share', scanner: 'standin', items: [{ location: 'a.txt' }, { location: 'b.txt' }] };
  const key = { idempotencyKey: newKey() };
  const first = await api.client.scanItems({ ...body, waitSeconds: 20 }, key);
  expect(first.rows?.map(({ location }) => location)).toEqual(['a.txt', 'b.txt']);
  const scans = plant.standin.stats().scans;
  const again = await api.client.scanItems({ ...body, waitSeconds: 5 }, key);
  expect(again).toEqual({ ...first, repeated: true });
  expect(plant.standin.stats().scans).toBe(scans);
  const error = await refusal(api.client.scanItems({ ...body, items: [{ location: 'a.txt' }] }, key));
  expect(error.code).toBe('idempotency_mismatch');
  const many = await Promise.all([1, 2, 3, 4].map(() => api.client.scanItems(body, { idempotencyKey: 'together' })));
  expect(new Set(many.map(({ job }) => job)).size).toBe(1);
  expect(many.filter(({ repeated }) => repeated === undefined)).toHaveLength(1);
});

test('a retry is repeated like any start: while it runs, and when it has left nothing to retry', async () => {
  const folder = freshFolder(4);
  plant.standin.setFaults([`400 times=* metadata=${encodeURIComponent('item:0-0%3A1')}`]);
  const { job: of } = await api.client.startJob({ folder, scanner: 'standin' });
  await finish(folder);
  plant.standin.reset();
  const key = { idempotencyKey: newKey() };
  const first = await api.client.retry(of, { all: true }, key);
  expect(first).toMatchObject({ joined: false, job: expect.stringMatching(/^job-k-/) });
  await vi.waitFor(async () => expect((await api.client.job(first.job)).state).toBe('completed'), WAIT);
  expect(await api.client.retry(of, { all: true }, key)).toMatchObject({ job: first.job, repeated: true });
  expect((await refusal(api.client.retry(of, {}, key))).code).toBe('idempotency_mismatch');
  const other = { idempotencyKey: newKey() };
  expect((await refusal(api.client.retry(of, { all: true }, other))).code).toBe('nothing_to_retry');
});

test('an apply is repeated like any start: the plan is carried out once', async () => {
  const folder = path.join(plant.folder, `t${++folders}`);
  writeFiles(folder, { 'evil.com': EICAR, 'good.txt': 'good' });
  const { job: of } = await api.client.startJob({ folder, scanner: 'standin', action: 'delete', dryRun: true });
  await finish(folder);
  const key = { idempotencyKey: newKey() };
  const together = await Promise.all([1, 2, 3].map(() => api.client.apply(of, {}, key)));
  const job = together[0]?.job ?? '';
  expect(together.map((answer) => answer.job)).toEqual([job, job, job]);
  await vi.waitFor(async () => expect((await api.client.job(job)).state).toBe('completed'), WAIT);
  expect(await api.client.apply(of, {}, key)).toMatchObject({ job, repeated: true });
  expect((await refusal(api.client.apply(of, { dryRun: true }, key))).code).toBe('idempotency_mismatch');
  expect((await api.client.job(job)).actions.done).toBe(1);
});

/** The workflow that was met had just ended: the API starts once more then. */
function gone(error: unknown): undefined {
  if (error instanceof WorkflowUpdateFailedError || /not found|completed/i.test(String(error))) return undefined;
  throw error;
}
function endedMeanwhile(error: unknown): undefined {
  return gone(error);
}

async function names(job: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of plant.ledger.job(job).objects.list()) found.push(name);
  return found.sort();
}
