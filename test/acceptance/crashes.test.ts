import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { identify, isAlive } from '../../cli/stack/process-id.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { byLocation, type Command, countByFind, sum, summaryOf, TestStack, until } from './support.ts';

const FILES = 1_200;

let stack: TestStack;
let n = 0;
let folder: string;
beforeAll(async () => {
  stack = await TestStack.start('crashes', { DSXCONNECT_PAGE_ITEMS: '150' });
});
afterAll(() => stack.remove());
beforeEach(async () => {
  n += 1;
  folder = stack.folder(`data-${n}`);
  writeMany(folder, FILES);
  writeFiles(folder, { 'd0003/bad.com': EICAR, 'd0009/bad.com': EICAR });
  await stack.standin({ latencyMs: 30, workers: 8 });
});

/** A scan that takes at least 4 s, once it has judged a quarter. */
async function inTheMiddle(): Promise<{ scan: Command; job: string; before: number }> {
  const before = stack.requests().length;
  const scan = stack.startScan(folder, '--action', 'move');
  const job = await scan.job();
  await until(() => stack.requests().length > before + FILES / 4);
  return { scan, job, before };
}

/** The account is exact: one row for each item, summing to what was listed, verified, with both findings moved. */
async function expectExact(scan: Command, job: string): Promise<void> {
  const ran = await scan.ended;
  const summary = summaryOf(ran);
  expect(summary).toMatchObject({
    job,
    state: 'completed',
    listed: FILES + 2,
    outcomes: { clean: FILES, malicious: 2 },
    actions: { done: 2 },
  });
  expect(sum(summary.outcomes)).toBe(summary.listed);
  expect(ran.code).toBe(3);
  const rows = await stack.rows(job);
  expect(byLocation(rows).size).toBe(FILES + 2);
  expect(new Set(rows.map((row) => row.item)).size).toBe(rows.length);
  expect(countByFind(folder)).toBe(FILES);
  expect((await stack.dsx(['ledger', 'verify', job, '--root', summary.root ?? ''])).code).toBe(0);
}

test('kill -9 of the worker: it is started again, pages go on within 30 s, nothing finished is scanned again, and the account is exact', async () => {
  const { scan, job, before } = await inTheMiddle();
  const restarts = await stack.kill('worker');
  const killed = Date.now();
  await until(async () => (await stack.part('worker')).restarts > restarts);
  const after = await until(() =>
    stack.requests().find(({ received, bytes }) => received > killed + 300 && bytes === 200),
  );
  expect(after.received - killed).toBeLessThan(30_000);
  await expectExact(scan, job);
  const worker = await stack.part('worker');
  expect(worker).toMatchObject({ condition: 'up', restarts: restarts + 1 });
  expect(worker.problem?.text).toContain('SIGKILL');
  const files = stack
    .requests()
    .slice(before)
    .filter(({ bytes, sha256 }) => bytes === 200 && sha256 !== '');
  expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(FILES);
  // At most what was in flight, and what was judged since the last checkpoint: one and a half second of 266 scans.
  expect(files.length - FILES).toBeLessThan(600);
}, 60_000);

test.each(['api', 'valkey', 'temporal'])(
  'kill -9 of %s in the middle: the scan ends with an exact account',
  async (part) => {
    const { scan, job } = await inTheMiddle();
    const restarts = await stack.kill(part);
    await expectExact(scan, job);
    expect(await stack.part(part)).toMatchObject({ condition: 'up', restarts: restarts + 1 });
    expect((await stack.status()).problems).toEqual([]);
  },
  90_000,
);

test('kill -9 of everything at once, then `up`: the scan goes on to an exact account', async () => {
  const { scan, job } = await inTheMiddle();
  const report = await stack.status();
  const ids = [report.pid, ...report.parts.map((part) => part.pid)].map((pid) => identify(pid ?? 0));
  for (const id of ids) process.kill(id?.pid ?? Number.NaN, 'SIGKILL');
  scan.child.kill('SIGTERM');
  await scan.ended;
  await until(() => !ids.some(isAlive));
  expect((await stack.dsx(['up'], { env: { API_PORT: '0', DSXCONNECT_PAGE_ITEMS: '150' } })).code).toBe(0);
  const watch = stack.command(['watch', job, '--json']);
  await expectExact(watch, job);
  expect((await stack.dsx(['down'])).code).toBe(0);
}, 90_000);
