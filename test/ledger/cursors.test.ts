import { expect, test } from 'vitest';
import { openLedgerStore } from '../../ledger/ledger.ts';
import { createMemoryStore } from './memory-store.ts';

const DAY = 86_400_000;

test('a cursor is read by its reference, and nothing else is', async () => {
  const store = createMemoryStore();
  const { cursors } = await openLedgerStore(store);
  const cursor = { link: 'https://x/y?token=é', at: 7 };
  const ref = await cursors.write('docs', cursor);
  expect(ref.name).toMatch(/^_watch\/docs\/[0-9a-f]{32}\.json$/);
  expect(await cursors.read(ref)).toEqual(cursor);
  await expect(cursors.read({ ...ref, hash: '0'.repeat(64) })).rejects.toMatchObject({ code: 'corrupt' });
  for (const name of ['ledger.json', '_watch/../ledger.json', '_watch/docs/x.json']) {
    await expect(cursors.read({ ...ref, name })).rejects.toMatchObject({ code: 'invalid' });
  }
  await expect(cursors.write('../docs', cursor)).rejects.toMatchObject({ code: 'invalid' });
});

test('what newer ones have long replaced is swept; the newest of each connector stays for good', async () => {
  let now = DAY;
  const store = createMemoryStore(() => now);
  const ledger = await openLedgerStore(store);
  const old = await ledger.cursors.write('docs', { at: 1 });
  const idle = await ledger.cursors.write('idle', { at: 1 });
  now += 2 * DAY;
  const before = await ledger.cursors.write('docs', { at: 2 });
  now += DAY / 2;
  const newest = await ledger.cursors.write('docs', { at: 3 });
  expect(await ledger.cursors.sweep()).toBe(1);
  await expect(ledger.cursors.read(old)).rejects.toMatchObject({ code: 'not_found' });
  for (const kept of [idle, before, newest]) expect(await ledger.cursors.read(kept)).toHaveProperty('at');
  const jobs: string[] = [];
  for await (const job of ledger.folders()) jobs.push(job);
  expect(jobs).toEqual([]);
});
