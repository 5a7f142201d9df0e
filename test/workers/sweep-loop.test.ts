import { afterEach, expect, test, vi } from 'vitest';
import { openLedgerStore } from '../../ledger/ledger.ts';
import { SweepLoop, type SweepLoopOptions } from '../../workers/sweep-loop.ts';
import { AT, buildJob, MIXED, WRITER } from '../ledger/fixture.ts';
import { createMemoryStore } from '../ledger/memory-store.ts';

const loops: SweepLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

/** A loop over a ledger with one job that ended long ago, and strays of it. */
async function make(changes: Partial<SweepLoopOptions> = {}) {
  const store = createMemoryStore(() => Date.parse(AT));
  const ledger = await openLedgerStore(store);
  await buildJob(ledger.job('job-1'), { pages: [MIXED] });
  for (let i = 0; i < 3; i++) await ledger.job('job-1').writeSegment('0-0', [], WRITER);
  const told: [string, unknown][] = [];
  const log = {
    info: (...words: unknown[]) => void told.push(['info', words]),
    warn: (...words: unknown[]) => void told.push(['warn', words]),
  } as unknown as SweepLoopOptions['log'];
  const loop = new SweepLoop({ ledger, log, waits: async () => false, firstMs: 1, everyMs: 5, ...changes });
  loops.push(loop);
  return { loop, ledger, told };
}

test('sweeps by itself, counts what it removed, and says nothing when there is nothing', async () => {
  const { loop, told } = await make();
  loop.start();
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]).toEqual(['info', [expect.objectContaining({ jobs: 1, removed: 3 }), expect.any(String)]]);
  await loop.sweep();
  await loop.stop();
  expect(told).toHaveLength(1);
});

test('what stands in its way is logged, and the next sweep tries again', async () => {
  let away = true;
  const waits = async (): Promise<boolean> => {
    if (away) throw new Error('Temporal is away');
    return false;
  };
  const { loop, ledger, told } = await make({ waits });
  await ledger.job('job-0').writeIntake([{ location: 'a' }]);
  await loop.sweep();
  expect(told.at(-1)).toEqual(['warn', [expect.stringContaining('Temporal is away')]]);
  away = false;
  await loop.sweep();
  expect(told.at(-1)?.[0]).toBe('info');
});

test('answers of an hour ago are removed, also while Temporal is away', async () => {
  const { loop, ledger } = await make({
    waits: async () => {
      throw new Error('Temporal is away');
    },
  });
  await ledger.job('job-0').writeIntake([{ location: 'a' }]);
  const ref = await ledger.answers.write({ facts: {}, lines: [] });
  await loop.sweep();
  await expect(ledger.answers.read(ref)).rejects.toMatchObject({ code: 'not_found' });
});

test('stops at once while it waits', async () => {
  const { loop } = await make({ firstMs: 3_600_000 });
  loop.start();
  await loop.stop();
});
