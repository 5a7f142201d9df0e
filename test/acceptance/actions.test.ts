import { existsSync, lstatSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EICAR, writeFiles } from '../support/files.ts';
import { type Mixed, makeMixed, sha256, snapshot } from './corpus.ts';
import { countByFind, eventsOf, keyOf, sum, TestStack, until } from './support.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start('actions', { DSXCONNECT_PAGE_ITEMS: '200' });
});
afterAll(() => stack.remove());

/** The last row of each action, by location. */
async function actions(job: string): Promise<Map<string, Record<string, unknown>>> {
  const ran = await stack.dsx(['ledger', 'show', job, '--actions', '--json', '--limit', 'all']);
  const rows = eventsOf(ran.stdout) as unknown as { location: string }[];
  const found = new Map(rows.map((row) => [keyOf(row), row as unknown as Record<string, unknown>]));
  expect(found.size).toBe(rows.length);
  return found;
}

describe('--action move on a mixed folder', () => {
  let mixed: Mixed;
  let before: Map<string, string>;
  let quarantine: string;
  beforeAll(() => {
    mixed = makeMixed(stack.base, 600);
    before = snapshot(mixed.folder);
    quarantine = path.join(stack.base, 'quarantine');
  });

  test('--dry-run touches nothing and lists what it would do', async () => {
    const { code, summary } = await stack.scan(
      mixed.folder,
      '--action',
      'move',
      '--quarantine',
      quarantine,
      '--dry-run',
    );
    expect(code).toBe(3);
    expect(snapshot(mixed.folder)).toEqual(before);
    expect(existsSync(quarantine) ? [...snapshot(quarantine)] : []).toEqual([]);
    expect(summary.actions).toEqual({
      planned: mixed.malicious.size,
      'awaiting-approval': 0,
      done: 0,
      failed: 0,
      refused: 0,
    });
    expect(summary.findings.map(({ action }) => action?.state)).toEqual([...mixed.malicious].map(() => 'planned'));
    const planned = await actions(summary.job);
    expect([...planned.keys()].sort()).toEqual([...mixed.malicious.keys()].sort());
    expect((await stack.dsx(['ledger', 'verify', summary.job, '--root', summary.root ?? ''])).code).toBe(0);
  });

  test('malicious files are in quarantine, byte for byte, their originals gone, nothing else touched', async () => {
    const { code, summary } = await stack.scan(mixed.folder, '--action', 'move', '--quarantine', quarantine);
    expect(code).toBe(3);
    expect(summary.actions).toEqual({
      planned: 0,
      'awaiting-approval': 0,
      done: mixed.malicious.size,
      failed: 0,
      refused: 0,
    });
    const moved = await actions(summary.job);
    expect([...moved.keys()].sort()).toEqual([...mixed.malicious.keys()].sort());
    const destinations = [...moved].map(([key, row]) => [key, sha256(readFileSync(String(row.destination)))]);
    expect(new Map(destinations as [string, string][])).toEqual(mixed.malicious);
    expect(new Set([...moved.values()].map((row) => row.destination)).size).toBe(mixed.malicious.size);
    for (const row of moved.values()) expect(String(row.destination).startsWith(`${quarantine}/`)).toBe(true);
    const left = new Map([...before].filter(([key]) => !mixed.malicious.has(key)));
    expect(snapshot(mixed.folder)).toEqual(left);
    expect((await stack.dsx(['ledger', 'verify', summary.job, '--root', summary.root ?? ''])).code).toBe(0);
  });

  test('a second run finds nothing new and changes nothing', async () => {
    const inQuarantine = snapshot(quarantine);
    const left = snapshot(mixed.folder);
    const { code, summary } = await stack.scan(mixed.folder, '--action', 'move', '--quarantine', quarantine);
    expect(code).toBe(4);
    expect(summary).toMatchObject({ findings: [], state: 'completed_with_gaps', outcomes: { malicious: 0 } });
    expect(sum(summary.actions)).toBe(0);
    expect(summary.listed).toBe(countByFind(mixed.folder));
    expect(snapshot(quarantine)).toEqual(inQuarantine);
    expect(snapshot(mixed.folder)).toEqual(left);
  });
});

describe('on a small folder', () => {
  let folder: string;
  let n = 0;
  beforeEach(() => {
    n += 1;
    folder = stack.folder(`small-${n}`);
    writeFiles(folder, { 'a.txt': 'harmless', 'sub/bad.com': EICAR, 'sub/b.txt': 'harmless too', '-z\n.com': EICAR });
  });

  test('quarantine inside the folder is never scanned, and side-cars are not listed', async () => {
    const quarantine = path.join(folder, 'sub', 'quarantine');
    const first = await stack.scan(folder, '--action', 'movetag', '--quarantine', quarantine);
    expect(first.summary.actions.done).toBe(2);
    const second = await stack.scan(folder, '--action', 'movetag', '--quarantine', quarantine);
    expect(second.code).toBe(0);
    expect(second.summary).toMatchObject({ listed: 2, findings: [], state: 'completed' });
    expect(second.summary.listed).toBe(countByFind(folder) - countByFind(quarantine));
  });

  test('the default quarantine lies outside the folder', async () => {
    const { summary } = await stack.scan(folder, '--action', 'move');
    for (const { action } of summary.findings) {
      expect(action?.state).toBe('done');
      expect(action?.destination?.startsWith(`${path.join(stack.home, 'quarantine')}/`)).toBe(true);
      expect(readFileSync(action?.destination ?? '', 'latin1')).toBe(EICAR);
    }
    expect([...snapshot(folder).keys()].sort()).toEqual(['a.txt', 'sub', 'sub/b.txt']);
  });

  test('delete removes what is malicious and nothing else', async () => {
    const before = snapshot(folder);
    const { summary } = await stack.scan(folder, '--action', 'delete');
    expect(summary.actions.done).toBe(2);
    expect(snapshot(folder)).toEqual(new Map([...before].filter(([key]) => !key.endsWith('.com'))));
  });

  test('tag leaves everything in place with a side-car beside it, and again tags nothing twice', async () => {
    const before = snapshot(folder);
    const { summary } = await stack.scan(folder, '--action', 'tag');
    expect(summary.actions.done).toBe(2);
    const after = snapshot(folder);
    for (const [key, facts] of before) expect(after.get(key)).toBe(facts);
    const added = [...after.keys()].filter((key) => !before.has(key)).sort();
    expect(added).toEqual(['-z\n.com.dsx-tags.json', 'sub/bad.com.dsx-tags.json']);
    const again = await stack.scan(folder, '--action', 'tag');
    expect(again.summary).toMatchObject({ listed: 4, outcomes: { malicious: 2 }, actions: { done: 2 } });
    expect([...snapshot(folder).keys()]).toEqual([...after.keys()]);
  });

  test('movetag moves, and tags what is in quarantine', async () => {
    const { summary } = await stack.scan(folder, '--action', 'movetag');
    for (const { action } of summary.findings) {
      expect(readFileSync(action?.destination ?? '', 'latin1')).toBe(EICAR);
      expect(existsSync(`${action?.destination}.dsx-tags.json`)).toBe(true);
    }
    expect(summary.actions.done).toBe(2);
    expect([...snapshot(folder).keys()].sort()).toEqual(['a.txt', 'sub', 'sub/b.txt']);
  });

  test('an action `nothing` touches nothing', async () => {
    const before = snapshot(folder);
    const { code, summary } = await stack.scan(folder);
    expect(code).toBe(3);
    expect(summary.outcomes.malicious).toBe(2);
    expect(snapshot(folder)).toEqual(before);
  });

  test('with --filter only what is inside is scanned and acted on', async () => {
    const { summary } = await stack.scan(folder, '--filter', 'sub', '--action', 'delete');
    expect(summary).toMatchObject({ listed: 2, actions: { done: 1 } });
    expect([...snapshot(folder).keys()].sort()).toEqual(['-z\n.com', 'a.txt', 'sub', 'sub/b.txt']);
  });
});

test('a file replaced after its verdict, with the same size and mtime, is not moved, and its new version is scanned', async () => {
  const folder = stack.folder('replaced');
  // Pages of 200: the action waits for its page, whose other files keep the scanner busy.
  const names = Array.from({ length: 60 }, (_, i) => `slow-${i}.txt`);
  writeFiles(folder, { 'a-bad.com': EICAR, ...Object.fromEntries(names.map((name) => [name, name])) });
  const bad = path.join(folder, 'a-bad.com');
  const { atime, mtime } = lstatSync(bad);
  utimesSync(bad, atime, mtime);
  const before = stack.requests().length;
  await stack.standin({ latencyMs: 300, workers: 4 });
  try {
    const scan = stack.startScan(folder, '--action', 'move');
    await scan.job();
    await until(() =>
      stack
        .requests()
        .slice(before)
        .some(({ verdict }) => verdict === 'Malicious'),
    );
    const harmless = 'Harmless now, with as many bytes.'.padEnd(68, '.');
    const next = path.join(folder, '.next');
    writeFileSync(next, harmless);
    utimesSync(next, atime, mtime);
    renameSync(next, bad);
    expect(lstatSync(bad)).toMatchObject({ size: 68, mtimeMs: lstatSync(bad).mtimeMs });
    const ran = await scan.ended;
    const summary = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
    expect(readFileSync(bad, 'utf8')).toBe(harmless);
    expect(summary).toMatchObject({
      listed: 62,
      outcomes: { malicious: 1, clean: 61 },
      actions: { done: 0, refused: 1 },
    });
    const rows = (await stack.rows(summary.job)).filter((row) => row.location === 'a-bad.com');
    expect(rows.map(({ outcome }) => outcome).sort()).toEqual(['clean', 'malicious']);
    const [clean, malicious] = rows.sort((a, b) => (a.outcome < b.outcome ? -1 : 1));
    expect(clean?.rescanOf).toBe(malicious?.item);
    expect(clean?.sha256).toBe(sha256(Buffer.from(harmless)));
    expect((await actions(summary.job)).get('a-bad.com')).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect((await stack.dsx(['ledger', 'verify', summary.job, '--root', summary.root])).code).toBe(0);
  } finally {
    await stack.standin({ latencyMs: 0, workers: null });
  }
});
