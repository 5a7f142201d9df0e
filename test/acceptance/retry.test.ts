import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFiles } from '../support/files.ts';
import { eventsOf, summaryOf, TestStack } from './support.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start('retry');
});
afterAll(() => stack.remove());

/** Requests that are no file: the command asks the scanner whether it answers, and so does the job. */
const PROBES = ['ok', 'ok'];

/** A scan of five files of which two fail. */
async function scanWithGaps(name: string): Promise<{ job: string; folder: string }> {
  const folder = stack.folder(name);
  writeFiles(folder, { 'a/1': 'one', 'a/2': 'two', 'b/3': 'three', 'b/4': 'four', 'b/5': 'five' });
  await stack.faults(...PROBES, '400 times=2');
  const { code, summary } = await stack.scan(folder);
  await stack.faults();
  expect([code, summary.outcomes.failed]).toEqual([4, 2]);
  return { job: summary.job, folder };
}

test('dsx retry closes a job, says so everywhere, and has nothing to do after that', async () => {
  const { job } = await scanWithGaps('closed');
  const ran = await stack.dsx(['retry', job]);
  expect(ran.code).toBe(0);
  const retry = /^ {2}job +(\S+)$/m.exec(ran.stdout)?.[1] ?? '';
  expect(ran.stdout).toContain(`job ${job}: 0 failed left; closed by job ${retry}`);
  expect(ran.stdout).toContain('5 listed: 5 clean');

  const first = await stack.dsx(['ledger', 'verify', job]);
  expect([first.code, first.stdout]).toEqual([0, expect.stringContaining(`retried  by ${retry}`)]);
  expect(first.stdout).toContain(`closed by job ${retry}`);
  const second = await stack.dsx(['ledger', 'verify', retry]);
  expect([second.code, second.stdout]).toEqual([0, expect.stringContaining('compared with the rows selected there')]);
  expect((await stack.dsx(['ledger', 'show', job])).stderr).toContain(`closed by job ${retry}`);
  const rows = await stack.rows(retry);
  expect(rows.map((row) => row.retryOf?.startsWith(`${job}/0-0:`))).toEqual([true, true]);
  expect((await stack.dsx(['jobs'])).stdout).toContain(`closed by ${retry}`);
  const lines = eventsOf((await stack.dsx(['jobs', '--json'])).stdout) as unknown as Record<string, unknown>[];
  expect(lines.find((line) => line.job === job)).toMatchObject({ closedBy: retry, retriedBy: [retry], left: 0 });
  expect(lines.find((line) => line.job === retry)).toMatchObject({ retryOf: job });
  expect((await stack.dsx(['watch', job])).stdout).toContain(`closed by job ${retry}`);

  const again = await stack.dsx(['retry', job]);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining(`closed by job ${retry}`)]);
  const json = await stack.dsx(['retry', job, '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ type: 'nothing', job, left: [], closedBy: retry });

  rmSync(path.join(stack.home, 'ledger', job), { recursive: true });
  const alone = await stack.dsx(['ledger', 'verify', retry]);
  expect([alone.code, alone.stdout]).toEqual([0, expect.stringContaining('is not checked')]);
}, 90_000);

test('exit codes: what is left is 4, a wrong selection 4, a wrong job 2, findings 3', async () => {
  const { job, folder } = await scanWithGaps('codes');
  await stack.faults(...PROBES, '400 times=1');
  const some = await stack.dsx(['retry', job, '--json']);
  expect(some.code).toBe(4);
  const summary = summaryOf(some);
  expect(summary).toMatchObject({ listed: 2, whole: { of: job, counters: { outcomes: { failed: 1, clean: 4 } } } });
  await stack.faults();

  const typo = await stack.dsx(['retry', job, '--class', 'no_such_class']);
  expect([typo.code, typo.stdout]).toEqual([4, expect.stringContaining('scanner_request')]);
  expect((await stack.dsx(['retry', 'job-none'])).code).toBe(2);
  expect((await stack.dsx(['retry', job, '--all', '--outcome', 'failed'])).code).toBe(2);
  expect((await stack.dsx(['retry', job, '--outcome', 'clean'])).code).toBe(2);

  const { location } = (await stack.rows(summary.job)).find((row) => row.outcome === 'failed') ?? { location: '' };
  writeFileSync(
    path.join(folder, location),
    ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''),
  );
  const prefix = location.slice(0, 2);
  const found = await stack.dsx(['retry', summary.job, '--prefix', prefix, '--action', 'delete', '--json']);
  expect(found.code).toBe(3);
  expect(summaryOf(found)).toMatchObject({ closedBy: summaryOf(found).job, actions: { done: 1 }, gaps: [] });
}, 90_000);

test('--detach leaves it running', async () => {
  const { job } = await scanWithGaps('detached');
  await stack.standin({ latencyMs: 2_000 });
  const started = await stack.dsx(['retry', job, '--detach', '--json']);
  await stack.standin({ latencyMs: 0 });
  const [event] = eventsOf(started.stdout);
  expect([started.code, event]).toMatchObject([0, { type: 'started', joined: false }]);
  expect((await stack.dsx(['watch', event?.job ?? ''])).code).toBe(0);
});
