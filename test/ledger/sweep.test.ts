import { beforeEach, describe, expect, test } from 'vitest';
import { type JobLedger, openLedgerStore } from '../../ledger/ledger.ts';
import { sweepStrays } from '../../ledger/sweep.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { AT, buildJob, MIXED, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';
import { refused } from './store-conformance.ts';

const DAY = 86_400_000;
const ENDED = Date.parse(AT);
let clock: number;
let store: ReturnType<typeof createMemoryStore>;
let job: JobLedger;
beforeEach(async () => {
  clock = ENDED - 1_000;
  store = createMemoryStore(() => clock);
  job = (await openLedgerStore(store)).job('job-1');
});

async function leaveStrays(): Promise<void> {
  await job.writePart('0-0', 1, undefined, [], WRITER);
  await job.writeSegment('0-0', [], WRITER);
  await job.writePage('0-9', [], WRITER);
  await job.writeActions('0-0', [], WRITER);
}

describe('sweeping', () => {
  test('removes strays a day after the job ended, and nothing that counts', async () => {
    const { root } = await buildJob(job, { pages: [MIXED, MIXED], settings: { action: 'move' } });
    const before = store.objects.size;
    await leaveStrays();
    await job.writeIntents('0-0', [], WRITER);
    expect(await sweepStrays(job, DAY, ENDED + DAY)).toMatchObject({ removed: 0 });
    const swept = await sweepStrays(job, DAY, ENDED + DAY + 1);
    expect(swept.removed).toBe(4);
    expect(swept.bytes).toBeGreaterThan(0);
    expect(store.objects.size).toBe(before + 1);
    expect(await verifyJob(job, { root })).toMatchObject({ ok: true, authentic: true, strays: { count: 0 } });
  });

  test('leaves what was written since: a late worker may still be there', async () => {
    await buildJob(job, { pages: [MIXED] });
    clock = ENDED + DAY;
    await leaveStrays();
    expect((await sweepStrays(job, DAY, ENDED + DAY + 1_000)).removed).toBe(0);
    expect((await sweepStrays(job, DAY, ENDED + 3 * DAY)).removed).toBe(4);
  });

  test('touches nothing of a job that has not ended', async () => {
    await buildJob(job, { pages: [MIXED], final: false });
    await leaveStrays();
    expect((await sweepStrays(job, DAY, ENDED + 100 * DAY)).removed).toBe(0);
  });

  test('touches nothing of a damaged ledger', async () => {
    await buildJob(job, { pages: [MIXED] });
    await leaveStrays();
    const index = [...store.objects.keys()].find((name) => name.includes('indexes/')) ?? '';
    store.objects.delete(index);
    const before = store.objects.size;
    await refused(sweepStrays(job, DAY, ENDED + 100 * DAY), 'not_found');
    for (const name of [...store.objects.keys()])
      if (name.includes('commits/')) store.objects.set(name, Buffer.from('{'));
    await refused(sweepStrays(job, DAY, ENDED + 100 * DAY), 'corrupt');
    expect(store.objects.size).toBe(before);
  });

  test('removes an intake that was never handed over, and leaves foreign files', async () => {
    await job.writeIntake([{ location: 'a' }]);
    store.objects.set('job-1/README', Buffer.from('mine'));
    expect((await sweepStrays(job, DAY, ENDED)).removed).toBe(0);
    expect((await sweepStrays(job, DAY, ENDED + 2 * DAY)).removed).toBe(1);
    expect([...store.objects.keys()]).toContain('job-1/README');
  });
});
