import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { countByFind, dsx, summaryOf, TestStack, tempFolder } from './support.ts';

/** Linux serves files here that say 4096 bytes and give fewer: every read of them is a short one. */
const SHORT_READS = '/sys/kernel/mm/transparent_hugepage';
const NOBODY = 65_534;

let stack: TestStack;
beforeAll(async () => {
  // With metadata the stand-in can tell the requests of jobs from probes, which are answered as ever.
  stack = await TestStack.start('honesty', { DSXA_METADATA: 'on' });
});
afterAll(() => stack.remove());

describe('an answer of the scanner is never `clean` when it', () => {
  const lies: readonly [string, string, string, string | undefined][] = [
    ['names another hash', 'wrong-hash', 'failed', 'scanner_mismatch'],
    ['names another size', 'wrong-size', 'failed', 'scanner_mismatch'],
    ['is HTML with status 200', 'html', 'failed', 'scanner_protocol'],
    ['is empty', 'empty', 'failed', 'scanner_protocol'],
    ['is cut short', 'truncated-json', 'failed', 'scanner_protocol'],
    ['has no verdict', 'no-verdict', 'failed', 'scanner_protocol'],
    ['is a verdict that nobody knows', 'unknown-verdict', 'inconclusive', undefined],
    ['is Unknown', 'verdict is=Unknown', 'inconclusive', undefined],
    ['is Benign with status 400', 'verdict is=Benign status=400', 'failed', undefined],
    ['is Benign with status 500', 'verdict is=Benign status=500', 'failed', undefined],
    ['is Not Scanned', 'not-scanned reason=Encrypted%20File', 'unscannable', 'encrypted_file'],
    ['never comes: the connection is cut', 'reset', 'failed', 'scanner_dropped'],
  ];

  let code: number;
  let rows: OutcomeRow[];
  beforeAll(async () => {
    const folder = stack.folder('lies');
    const name = (at: number): string => `${String(at).padStart(2, '0')}.txt`;
    writeFiles(folder, Object.fromEntries([...lies, []].map((_, at) => [name(at), `harmless ${at}`])));
    // The file at a place of the listing gets its lie every time it is sent, and the first one the truth. 12 stands before 1, which it begins with.
    const script = lies.map(([, fault], at) => `${fault} times=* metadata=0-0%253A${at + 1}`);
    await stack.faults(...script.reverse());
    const ran = await stack.scan(folder);
    code = ran.code;
    rows = await stack.rows(ran.summary.job);
    await stack.faults();
  });

  test.each(lies.map(([what, , outcome, reason], at) => ({ what, outcome, reason, at })))(
    '$what',
    ({ at, outcome, reason }) => {
      expect(rows[at + 1]).toMatchObject({ item: `0-0:${at + 1}`, outcome, ...(reason !== undefined && { reason }) });
    },
  );

  test('(while the file beside them is clean, and the scan ends with gaps)', () => {
    expect(rows).toHaveLength(lies.length + 1);
    expect(rows.flatMap((row, at) => (row.outcome === 'clean' ? [at] : []))).toEqual([0]);
    expect(code).toBe(4);
  });
});

test('a scanner that is wrong once is asked again', async () => {
  const folder = stack.folder('once');
  writeFiles(folder, { 'one.txt': 'harmless' });
  await stack.faults('wrong-hash metadata=job-');
  const { code, summary } = await stack.scan(folder);
  expect(code).toBe(0);
  expect(summary.outcomes.clean).toBe(1);
});

test('a Malicious is never hidden by fields that are odd or missing', async () => {
  const odd = ['null-details', 'unknown-threat', 'no-guid', 'nested'];
  const folder = stack.folder('odd');
  writeFiles(folder, Object.fromEntries(odd.map((_, at) => [`${at}.com`, EICAR])));
  await stack.faults(...odd.map((fault, at) => `${fault} times=* metadata=0-0%253A${at}`));
  const { code, summary } = await stack.scan(folder);
  await stack.faults();
  expect(summary.outcomes.malicious).toBe(odd.length);
  expect(code).toBe(3);
});

describe('a file is never `clean` when', () => {
  test('it can not be read', async () => {
    // The process memory of this very process: a file that stat knows, and whose first byte can not be read (EIO).
    const { code, summary } = await stack.scan(`/proc/${process.pid}/mem`);
    expect(summary).toMatchObject({ listed: 1, outcomes: { clean: 0, failed: 1 }, state: 'completed_with_gaps' });
    expect(code).toBe(4);
    expect(await stack.rows(summary.job)).toEqual([expect.objectContaining({ outcome: 'failed' })]);
  });

  test('fewer bytes come than it says it has', async () => {
    const count = countByFind(SHORT_READS);
    expect(statSync(`${SHORT_READS}/enabled`).size).toBeGreaterThan(readFileSync(`${SHORT_READS}/enabled`).length);
    const { code, summary } = await stack.scan(SHORT_READS);
    expect(summary).toMatchObject({ listed: count, outcomes: { clean: 0, failed: count } });
    expect(code).toBe(4);
  });

  test('more bytes come than it says it has', async () => {
    expect(statSync('/proc/version').size).toBe(0);
    const { summary } = await stack.scan('/proc/version');
    expect(summary).toMatchObject({ listed: 1, outcomes: { clean: 0, failed: 1 } });
  });

  test('it shrinks whenever it is read', async () => {
    const folder = stack.folder('shrinks');
    mkdirSync(folder);
    const file = path.join(folder, 'log.bin');
    writeFileSync(file, '');
    truncateSync(file, 256 * 2 ** 20);
    const script = `const fs = require('fs'); let n = ${256 * 2 ** 20};
      setInterval(() => fs.truncateSync(process.argv[1], --n), 5)`;
    const writer = spawn(process.execPath, ['-e', script, file], { stdio: 'ignore' });
    try {
      const { code, summary } = await stack.scan(folder);
      expect(summary).toMatchObject({ listed: 1, outcomes: { clean: 0, failed: 1 } });
      expect(code).toBe(4);
      expect(await stack.rows(summary.job)).toEqual([
        expect.objectContaining({ outcome: 'failed', reason: 'unstable' }),
      ]);
    } finally {
      writer.kill('SIGKILL');
    }
  });
});

test('files and folders that the worker may not read are failed and gaps, and the rest is scanned', async () => {
  const base = tempFolder('nobody');
  const folder = path.join(base.path, 'data');
  const home = path.join(base.path, 'home');
  writeFiles(folder, { 'a.txt': 'harmless', 'locked.txt': 'not to be read', 'shut/inside.txt': 'not to be seen' });
  chmodSync(path.join(folder, 'locked.txt'), 0);
  chmodSync(path.join(folder, 'shut'), 0);
  chmodSync(base.path, 0o777);
  try {
    // Permissions do not bind root: the whole command then runs as nobody.
    const options = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const ran = await dsx(['scan', folder, '--scanner', 'standin', '--json'], {
      ...options,
      cwd: '/',
      env: { HOME: base.path, DSX_HOME: home, API_PORT: '0' },
    });
    const summary = summaryOf(ran);
    expect(ran.code).toBe(4);
    expect(summary).toMatchObject({ listed: 2, outcomes: { clean: 1, failed: 1 }, state: 'completed_with_gaps' });
    expect(summary.gaps.map((gap) => gap.class).sort()).toEqual(['failed', 'folder_unreadable']);
  } finally {
    chmodSync(path.join(folder, 'shut'), 0o700);
    base.remove();
  }
});
