import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Summary } from '../../cli/job/summary.ts';
import { OUTCOMES } from '../../domain/outcome.ts';
import { type Mixed, makeMixed } from './corpus.ts';
import { forgeWithoutOneRow } from './forge.ts';
import { byLocation, countByFind, sum, summaryOf, TestStack } from './support.ts';

let stack: TestStack;
let mixed: Mixed;
let summary: Summary;
let code: number;
let stdout: string;

beforeAll(async () => {
  stack = await TestStack.start('account', { DSXCONNECT_PAGE_ITEMS: '300' });
  mixed = makeMixed(stack.base, 2_000);
  const ran = await stack.dsx(['scan', mixed.folder, '--scanner', 'standin', '--json']);
  code = ran.code;
  stdout = ran.stdout;
  summary = summaryOf(ran);
});
afterAll(() => stack.remove());

test('`listed` is what find counts, and the sum of the outcomes', () => {
  expect(summary.listed).toBe(countByFind(mixed.folder));
  expect(summary.listed).toBe(mixed.expected.size);
  expect(sum(summary.outcomes)).toBe(summary.listed);
  const expected: Record<string, number> = {};
  for (const { outcome } of mixed.expected.values()) expected[outcome] = (expected[outcome] ?? 0) + 1;
  expect(summary.outcomes).toMatchObject(expected);
});

test('the last line is the summary, exactly as promised', () => {
  expect(Object.keys(summary)).toEqual([
    'type',
    'job',
    'state',
    'standIn',
    'listed',
    'bytes',
    'seconds',
    'outcomes',
    'actions',
    'gaps',
    'findings',
    'ledger',
    'root',
  ]);
  expect(summary).toMatchObject({ type: 'summary', state: 'completed_with_gaps', standIn: true });
  expect(Object.keys(summary.outcomes)).toEqual([...OUTCOMES]);
  expect(summary.gaps).toEqual([expect.objectContaining({ class: 'unscannable', count: 1 })]);
  expect(summary.findings).toHaveLength(mixed.malicious.size);
  expect(summary.root).toMatch(/^[0-9a-f]{64}$/);
  expect(summary.ledger).toBe(path.join(stack.home, 'ledger', summary.job));
  expect(summary.seconds).toBeGreaterThan(0);
  const { finding } = Object.groupBy(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    ({ type }) => type,
  );
  expect(finding).toHaveLength(mixed.malicious.size);
});

test('findings before gaps: exit code 3', () => {
  expect(code).toBe(3);
});

test('each listed item has exactly one outcome row, the right one, by the command line and by the API', async () => {
  const rows = await stack.rows(summary.job);
  expect(rows).toHaveLength(summary.listed);
  expect(new Set(rows.map((row) => row.item)).size).toBe(rows.length);
  const found = new Map(
    [...byLocation(rows)].map(([key, { outcome, reason }]) => [
      key,
      { outcome, ...(reason !== undefined && { reason }) },
    ]),
  );
  expect(found).toEqual(mixed.expected);
  expect(await stack.rowsByApi(summary.job, 97)).toEqual(rows);
  expect(
    sum(Object.fromEntries(rows.filter((row) => row.judged).map((row) => [row.item, row.judged?.size ?? 0]))),
  ).toBe(summary.bytes);
});

test('clean names the version and the hash of the bytes that were judged, and that a stand-in judged them', async () => {
  for (const row of await stack.rows(summary.job)) {
    if (row.outcome !== 'clean') continue;
    expect(row.judged?.version).toBe(row.listed.version);
    expect(row.judged?.size).toBe(row.listed.size);
    expect(row.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(row.verdict?.verdict).toBe('Benign');
    expect(row.scanner?.standIn).toBe(true);
  }
});

test('rows can be asked for by outcome and by prefix', async () => {
  const some = await stack.api(`/jobs/${summary.job}/outcomes?outcome=malicious&prefix=malware/&limit=1000`);
  const { rows } = (await some.json()) as { rows: { location: string }[] };
  expect(rows).toHaveLength(6);
});

describe('ledger verify', () => {
  const verify = (root?: string) =>
    stack.dsx(['ledger', 'verify', summary.job, ...(root === undefined ? [] : ['--root', root]), '--json']);
  const object = (folder: string): string => {
    const name = readdirSync(path.join(summary.ledger, folder)).sort()[0];
    return path.join(summary.ledger, folder, name ?? '');
  };

  test('passes against the printed root, and without one', async () => {
    const ran = await verify(summary.root ?? '');
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, authentic: true, strays: { count: 0 } });
    expect((await verify()).code).toBe(0);
  });

  test('fails against another root', async () => {
    expect((await verify('0'.repeat(64))).code).toBe(5);
  });

  test.each(['segments', 'pages', 'commits', 'indexes'])('fails after a changed byte in %s', async (folder) => {
    const file = object(folder);
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(file, changed);
    try {
      expect((await verify()).code).toBe(5);
      expect((await verify(summary.root ?? '')).code).toBe(5);
    } finally {
      writeFileSync(file, bytes);
    }
  });

  test('fails after an added byte', async () => {
    const file = object('segments');
    const bytes = readFileSync(file);
    appendFileSync(file, '\n');
    try {
      expect((await verify()).code).toBe(5);
    } finally {
      writeFileSync(file, bytes);
    }
  });

  test('fails with a missing segment', async () => {
    const file = object('segments');
    renameSync(file, path.join(stack.base, 'aside'));
    try {
      expect((await verify()).code).toBe(5);
      expect((await verify(summary.root ?? '')).code).toBe(5);
    } finally {
      renameSync(path.join(stack.base, 'aside'), file);
    }
  });

  test('a removed row with all hashes recomputed is consistent, and fails against the printed root', async () => {
    const forged = path.join(stack.base, 'forged');
    const root = await forgeWithoutOneRow(path.join(stack.home, 'ledger'), summary.job, forged);
    const there = (...more: string[]) =>
      stack.dsx(['ledger', 'verify', summary.job, '--ledger', forged, '--json', ...more]);
    const consistent = await there();
    expect(JSON.parse(consistent.stdout)).toMatchObject({
      consistent: true,
      authentic: false,
      problems: [],
      checked: { rows: summary.listed - 1 },
    });
    expect(consistent.code).toBe(0);
    expect((await there('--root', root)).code).toBe(0);
    const told = await there('--root', summary.root ?? '');
    expect(told.code).toBe(5);
    expect(JSON.parse(told.stdout)).toMatchObject({ ok: false, authentic: false });
  });
});
