import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeMany } from '../support/files.ts';
import { summaryOf, TestStack } from './support.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start('incremental');
});
afterAll(() => stack.remove());

test('dsx scan --incremental tells what it spared itself, and verify checks it', async () => {
  const folder = stack.folder('data');
  writeMany(folder, 40);
  const { summary: first } = await stack.scan(folder);
  writeFileSync(path.join(folder, 'd0000/f000007.txt'), 'another content');
  const ran = await stack.dsx(['scan', folder, '--scanner', 'standin', '--incremental', '--rescan-after', '7d']);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain(`1 scanned, 39 unchanged since ${first.job} (judged within 7d)`);
  expect(ran.stdout).toMatch(/skipped +39 {2}\(39 unchanged\)/);
  expect(ran.stdout).toContain('judged by a stand-in');
  const job = /^ {2}job +(\S+)$/m.exec(ran.stdout)?.[1] ?? '';

  const verified = await stack.dsx(['ledger', 'verify', job]);
  expect([verified.code, verified.stdout]).toEqual([
    0,
    expect.stringContaining(`39 rows, 39 compared with the rows that judged the bytes of ${first.job}`),
  ]);
  const shown = await stack.dsx(['ledger', 'show', job, '--reason', 'unchanged']);
  expect(shown.stdout).toContain(`judged by ${first.job}/0-0:0 at `);

  const json = await stack.dsx(['scan', folder, '--scanner', 'standin', '--incremental', '--json']);
  expect(summaryOf(json)).toMatchObject({
    standIn: true,
    incremental: { scanned: 0, unchanged: 40, since: { job }, unannounced: 0 },
    outcomes: { skipped: 40 },
  });
  const wrong = await stack.dsx(['scan', folder, '--scanner', 'standin', '--rescan-after', '7d']);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('incremental')]);
}, 90_000);
