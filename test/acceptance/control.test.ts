import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeMany } from '../support/files.ts';
import { byLocation, type Command, eventsOf, sum, summaryOf, TestStack, until } from './support.ts';

const FILES = 240;
/** The stand-in takes so long for a scan that the folder is far from done when a test steers it. */
const SLOW = { latencyMs: 100, workers: 4 };

let stack: TestStack;
let n = 0;
beforeAll(async () => {
  stack = await TestStack.start('control', { DSXCONNECT_PAGE_ITEMS: '60' });
});
afterAll(() => stack.remove());

/** A slow scan of a new folder, when it has begun to judge. */
async function slowScan(...more: string[]): Promise<{ scan: Command; job: string; folder: string }> {
  n += 1;
  const folder = stack.folder(`data-${n}`);
  writeMany(folder, FILES);
  await stack.standin(SLOW);
  const before = stack.requests().length;
  const scan = stack.startScan(folder, ...more);
  const job = await scan.job();
  await until(() => stack.requests().length > before + 20);
  return { scan, job, folder };
}

/** Scans of files (of 200 bytes, as `writeMany` makes them) that reached the stand-in after a moment. */
function scansAfter(moment: number): number {
  return stack.requests().filter(({ received, bytes }) => received > moment && bytes === 200).length;
}

function yesterday(): string {
  return ['Sat', 'Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri'][new Date().getUTCDay()] ?? 'Mon';
}

test('pause stops new scans within 3 s, resume goes on at the same place, and nothing is scanned twice', async () => {
  const from = stack.requests().length;
  const { scan, job } = await slowScan();
  const paused = await stack.dsx(['pause', job, '--reason', 'backup window']);
  const asked = Date.now();
  expect(paused.code).toBe(0);
  const told = await scan.until((event) => event.state === 'paused');
  expect(told.idle).toMatchObject({ why: 'paused', reason: 'backup window' });
  await pause(4_000);
  expect(scansAfter(asked + 3_000)).toBe(0);
  const midway = stack.requests().length - from;
  expect(midway).toBeLessThan(FILES);
  expect((await stack.dsx(['resume', job])).code).toBe(0);
  const { code, stdout } = await scan.ended;
  expect(code).toBe(0);
  expect(summaryOf({ code, stdout, stderr: '' })).toMatchObject({
    listed: FILES,
    outcomes: { clean: FILES },
    state: 'completed',
  });
  expect(byLocation(await stack.rows(job)).size).toBe(FILES);
  const hashes = stack
    .requests()
    .slice(from)
    .filter(({ sha256, bytes }) => bytes === 200 && sha256 !== '')
    .map(({ sha256 }) => sha256);
  expect(new Set(hashes).size).toBe(FILES);
  // What was in flight at the pause (as many as the stand-in works on and its queue holds) may be sent again; nothing else.
  expect(hashes.length - FILES).toBeLessThanOrEqual(64);
});

test('limits are shown, set and taken away while it runs, and a start may carry them', async () => {
  const { scan, job } = await slowScan('--items', '3', '--requests', '500');
  const shown = await stack.dsx(['limits', job]);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('limits: 3 in flight, 500 requests/s (set by local');
  const closed = await stack.dsx([
    'limits',
    job,
    '--hours',
    `${yesterday()} 12:00-12:01 UTC`,
    '--reason',
    'backup',
    '--json',
  ]);
  expect(JSON.parse(closed.stdout)).toMatchObject({
    job,
    state: 'running',
    limits: { itemsInFlight: 3, reason: 'backup' },
  });
  const idle = await scan.until((event) => event.idle !== undefined);
  expect(idle).toMatchObject({ state: 'running', idle: { why: 'outside_hours' }, limits: { itemsInFlight: 3 } });
  await pause(3_000);
  const from = Date.now();
  await pause(1_000);
  expect(scansAfter(from)).toBe(0);
  const listed = eventsOf((await stack.dsx(['jobs', '--json'])).stdout).find((line) => line.job === job);
  expect(listed).toMatchObject({ idle: { why: 'outside_hours' }, limits: { itemsInFlight: 3 } });
  const wrong = await stack.dsx(['limits', job, '--hours', 'Mon 22:00-06:00 Nowhere/Land']);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Nowhere/Land')]);
  expect((await stack.dsx(['limits', job, '--hours', 'none', '--items', 'none', '--requests', 'none'])).code).toBe(0);
  await stack.standin({ latencyMs: 0, workers: null });
  expect(summaryOf(await scan.ended)).toMatchObject({ state: 'completed', outcomes: { clean: FILES } });
  const late = await stack.dsx(['limits', job, '--items', '1']);
  expect([late.code, late.stderr]).toEqual([2, expect.stringContaining('ended')]);
  expect((await stack.dsx(['limits', 'job-none', '--items', '1'])).code).toBe(2);
});

test('cancel ends `cancelled`, with an exact account of what was done, and starts nothing after it', async () => {
  const { scan, job } = await slowScan();
  const ran = await stack.dsx(['cancel', job, '--json']);
  const acknowledged = Date.now();
  expect(ran.code).toBe(0);
  expect(ran.stderr).toMatch(/cancelled with \d+ of 240 items/);
  const summary = summaryOf(ran);
  expect(summary.state).toBe('cancelled');
  expect(sum(summary.outcomes)).toBeGreaterThan(0);
  expect(sum(summary.outcomes)).toBeLessThan(FILES);
  const rows = await stack.rows(job);
  expect(byLocation(rows).size).toBe(sum(summary.outcomes));
  expect(rows.filter((row) => row.outcome === 'clean')).toHaveLength(summary.outcomes.clean);
  const followed = await scan.ended;
  expect(followed.code).toBe(6);
  expect(summaryOf(followed)).toEqual(summary);
  expect((await stack.dsx(['ledger', 'verify', job, '--root', summary.root ?? ''])).code).toBe(0);
  await pause(500);
  expect(scansAfter(acknowledged)).toBe(0);
  const again = await stack.dsx(['cancel', job]);
  expect(again.code).toBe(2);
});

test('Ctrl-C cancels the scan, prints the account, and ends with 6', async () => {
  const { scan, job } = await slowScan();
  scan.child.kill('SIGINT');
  const ran = await scan.ended;
  expect(ran.code).toBe(6);
  const summary = summaryOf(ran);
  expect(summary).toMatchObject({ job, state: 'cancelled' });
  expect(byLocation(await stack.rows(job)).size).toBe(sum(summary.outcomes));
  expect((await stack.dsx(['ledger', 'verify', job, '--root', summary.root ?? ''])).code).toBe(0);
});

test('a second Ctrl-C detaches at once', async () => {
  const { scan, job } = await slowScan();
  // A paused scan that no scanner answers can not end before the second one comes.
  await stack.faults('hang times=*');
  scan.child.kill('SIGINT');
  await until(() => scan.stderr.includes('cancelling'));
  scan.child.kill('SIGINT');
  const asked = Date.now();
  const ran = await scan.ended;
  expect(Date.now() - asked).toBeLessThan(3_000);
  await stack.faults();
  expect(ran.code).toBe(6);
  expect(eventsOf(ran.stdout).at(-1)).toMatchObject({ type: 'detached', job });
  const watched = await stack.dsx(['watch', job, '--json']);
  expect(watched.code).toBe(6);
  expect(summaryOf(watched).state).toBe('cancelled');
});

test('--detach leaves it running; watch follows it, can be left, and attached again', async () => {
  const { scan, job, folder } = await slowScan('--detach');
  // So slow that it is still under way after as many commands as follow, however busy the machine is.
  await stack.standin({ latencyMs: 400, workers: 4 });
  expect(await scan.ended).toMatchObject({ code: 0 });
  const first = stack.command(['watch', job, '--json']);
  await first.until((event) => event.type === 'progress');
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 5 });
  const joined = await stack.startScan(folder).until((event) => event.type === 'started');
  expect(joined).toMatchObject({ job, joined: true });
  const other = await stack.dsx(['scan', folder, '--scanner', 'standin', '--action', 'delete', '--json']);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain(job);
  await stack.standin({ latencyMs: 0, workers: null });
  const second = await stack.dsx(['watch', job, '--json']);
  expect(second.code).toBe(0);
  expect(summaryOf(second)).toMatchObject({ job, state: 'completed', outcomes: { clean: FILES } });
  expect((await stack.dsx(['watch', job, '--json'])).stdout.trim().split('\n').at(-1)).toBe(
    second.stdout.trim().split('\n').at(-1),
  );
}, 60_000);

test('jobs and ledger need no running stack', async () => {
  const listed = eventsOf((await stack.dsx(['jobs', '--json'])).stdout).map(({ job, state }) => ({ job, state }));
  const job = listed[0]?.job ?? '';
  const rows = await stack.rows(job);
  expect((await stack.dsx(['down'])).code).toBe(0);
  const offline = await stack.dsx(['jobs', '--json']);
  expect(offline.code).toBe(0);
  expect(eventsOf(offline.stdout).map(({ job, state }) => ({ job, state }))).toEqual(listed);
  expect(await stack.rows(job)).toEqual(rows);
  expect((await stack.dsx(['ledger', 'verify', job])).code).toBe(0);
  expect((await stack.dsx(['watch', job, '--json'])).code).toBe(0);
});
