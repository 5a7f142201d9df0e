import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../ledger/ledger.ts';
import { latestActions, newestRows, rowOf } from '../../ledger/newest-rows.ts';
import { buildJob } from './fixture.ts';

let place: string;
let ledger: Ledger;
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'dsx-cleared-'));
  ledger = await openLedger(place);
});
afterAll(async () => {
  await ledger.close();
  rmSync(place, { recursive: true, force: true });
});

test('the newest mark counts, of a job and of all', async () => {
  expect((await ledger.cleared.read('results')).of('job-1')).toBe(0);
  await ledger.cleared.add('results', 'job-1', 1_800_000_000_000);
  await ledger.cleared.add('results', undefined, 1_700_000_000_000);
  await ledger.cleared.add('results', undefined, 1_750_000_000_000);
  const until = await ledger.cleared.read('results');
  expect([until.all, until.of('job-1'), until.of('job-2')]).toEqual([
    1_750_000_000_000, 1_800_000_000_000, 1_750_000_000_000,
  ]);
  expect((await ledger.cleared.read('jobs')).all).toBe(0);
  await expect(ledger.cleared.add('results', '../job', 1_800_000_000_000)).rejects.toMatchObject({ code: 'invalid' });
  expect(await ledger.starts()).toEqual([]);
});

test('rows are found by their item, newest first, with the last word on their action', async () => {
  const job = ledger.job('job-rows');
  const { rows, actions } = await buildJob(job, {
    pages: [['clean', 'malicious'], ['failed', 'clean'], ['malicious']],
    settings: { action: 'move' },
  });
  for (const row of rows) expect(await rowOf(job, row.item)).toEqual(row);
  for (const none of ['0-0-1:999', 'nothing', '']) expect(await rowOf(job, none)).toBeUndefined();
  expect(await newestRows(job, 1_000, () => true)).toHaveLength(rows.length);
  expect(await newestRows(job, 2, ({ outcome }) => outcome === 'malicious')).toHaveLength(2);
  const found = await latestActions(job, rows);
  const last = new Map(actions.map((row) => [row.item, row]));
  expect([...found.keys()].sort()).toEqual([...last.keys()].sort());
});
