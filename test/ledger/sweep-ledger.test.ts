import { beforeEach, expect, test } from 'vitest';
import { LedgerError } from '../../ledger/errors.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import { type LedgerSweepOptions, sweepLedger } from '../../ledger/sweep-ledger.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { AT, buildJob, MIXED, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';

const DAY = 86_400_000;
const ENDED = Date.parse(AT);
let clock: number;
let store: ReturnType<typeof createMemoryStore>;
let ledger: Ledger;
beforeEach(async () => {
  clock = ENDED - 1_000;
  store = createMemoryStore(() => clock);
  ledger = await openLedgerStore(store);
});

function options(changes: Partial<LedgerSweepOptions> = {}): LedgerSweepOptions {
  const now = () => ENDED + DAY + 1_000;
  return { waits: async () => false, done: new Set(), onDamage: () => undefined, now, ...changes };
}
async function stray(job: string): Promise<void> {
  await ledger.job(job).writeSegment('0-0', [], WRITER);
}
const objectsOf = (job: string): string[] => [...store.objects.keys()].filter((name) => name.startsWith(`${job}/`));

test('each job that ended a day ago is swept once, and verifies as before', async () => {
  const { root } = await buildJob(ledger.job('job-1'), { pages: [MIXED] });
  await buildJob(ledger.job('job-2'), { pages: [MIXED] });
  await stray('job-1');
  expect(await sweepLedger(ledger, options({ now: () => ENDED + DAY }))).toMatchObject({ jobs: 0, removed: 0 });
  const done = new Set<string>();
  expect(await sweepLedger(ledger, options({ done }))).toMatchObject({ jobs: 1, removed: 1 });
  expect([...done].sort()).toEqual(['job-1', 'job-2']);
  expect(await verifyJob(ledger.job('job-1'), { root })).toMatchObject({ ok: true, strays: { count: 0 } });
  const note = JSON.parse(String(await ledger.job('job-1').objects.get('swept.json')));
  expect(note).toMatchObject({ format: 1, job: 'job-1', removed: 1 });
  await stray('job-1');
  // Another process finds the note, and reads nothing through again.
  expect(await sweepLedger(ledger, options())).toMatchObject({ jobs: 0, removed: 0 });
});

test('where removing is not allowed, strays are counted and told once', async () => {
  const { root } = await buildJob(ledger.job('job-1'), { pages: [MIXED] });
  await stray('job-1');
  await stray('job-1');
  const before = objectsOf('job-1');
  let tries = 0;
  store.delete = async (name) => {
    tries += 1;
    throw new LedgerError('not_writable', name, 'permission denied');
  };
  expect(await sweepLedger(ledger, options())).toMatchObject({ jobs: 0, removed: 0, left: 2 });
  expect(tries).toBe(1);
  expect(objectsOf('job-1').sort()).toEqual([...before, 'job-1/swept.json'].sort());
  const note = JSON.parse(String(await ledger.job('job-1').objects.get('swept.json')));
  expect(note).toMatchObject({ removed: 0, left: 2 });
  expect(await sweepLedger(ledger, options())).toMatchObject({ left: 0 });
  expect(await verifyJob(ledger.job('job-1'), { root })).toMatchObject({ ok: true, strays: { count: 2 } });
});

test('nothing of a job that runs is touched, whether or not it has a header', async () => {
  await buildJob(ledger.job('job-runs'), { pages: [MIXED], final: false });
  await stray('job-runs');
  await ledger.job('job-waits').writeIntake([{ location: 'a' }]);
  await ledger.job('job-gone').writeIntake([{ location: 'a' }]);
  const before = [...objectsOf('job-runs'), ...objectsOf('job-waits')];
  const asked: string[] = [];
  const waits = async (job: string): Promise<boolean> => {
    asked.push(job);
    return job === 'job-waits';
  };
  const now = () => ENDED + 30 * DAY;
  expect(await sweepLedger(ledger, options({ waits, now }))).toMatchObject({ jobs: 1, removed: 1 });
  expect([...objectsOf('job-runs'), ...objectsOf('job-waits')]).toEqual(before);
  expect(objectsOf('job-gone')).toEqual([]);
  expect(asked.sort()).toEqual(['job-gone', 'job-waits']);
});

test('while nobody can tell whether a job waits, nothing of it is removed', async () => {
  await ledger.job('job-waits').writeIntake([{ location: 'a' }]);
  const waits = () => Promise.reject(new Error('Temporal is away'));
  await expect(sweepLedger(ledger, options({ waits, now: () => ENDED + 30 * DAY }))).rejects.toThrow(
    'Temporal is away',
  );
  expect(objectsOf('job-waits')).toHaveLength(1);
});

test('a key that joined another job stays bound', async () => {
  await ledger.job('job-k-1').writeJoin({ format: 1, job: 'job-k-1', joined: 'job-1', bodyHash: 'a'.repeat(64) });
  await sweepLedger(ledger, options({ now: () => ENDED + 30 * DAY }));
  expect((await ledger.job('job-k-1').readJoin())?.join.joined).toBe('job-1');
});

test('a damaged job is told once and left alone; the others are swept', async () => {
  await buildJob(ledger.job('job-1'), { pages: [MIXED] });
  await buildJob(ledger.job('job-2'), { pages: [MIXED] });
  await stray('job-2');
  const index = objectsOf('job-1').find((name) => name.startsWith('job-1/indexes/')) as string;
  store.objects.delete(index);
  const told: LedgerError[] = [];
  const done = new Set<string>();
  const sweep = options({ done, onDamage: (_job, error) => told.push(error) });
  expect(await sweepLedger(ledger, sweep)).toMatchObject({ jobs: 1, removed: 1 });
  expect(told.map(({ code }) => code)).toEqual(['not_found']);
  await sweepLedger(ledger, sweep);
  expect(told).toHaveLength(1);
});

test('two sweeps at once do no harm', async () => {
  for (const job of ['job-1', 'job-2', 'job-3']) {
    await buildJob(ledger.job(job), { pages: [MIXED] });
    await stray(job);
  }
  await Promise.all([sweepLedger(ledger, options()), sweepLedger(await openLedgerStore(store), options())]);
  for (const job of ['job-1', 'job-2', 'job-3']) {
    expect(await verifyJob(ledger.job(job), {})).toMatchObject({ ok: true, strays: { count: 0 } });
  }
});
