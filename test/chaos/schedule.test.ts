import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeCorpus } from '../../bench/chaos/corpus.ts';
import { LONGEST_MS, linksOf, schedule, targetOf, workerNames } from '../../bench/chaos/schedule.ts';
import { snapshot } from '../../cli/demo/snapshot.ts';

test('a seed gives the same faults, exactly as many as asked for, on what there is, each bounded in time', () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 4 }), (seed, count, workers) => {
      const strikes = schedule(seed, count, workers);
      expect(schedule(seed, count, workers)).toEqual(strikes);
      const faults = strikes.flatMap((strike) => strike.faults);
      expect(faults).toHaveLength(count);
      const known = [...workerNames(workers), ...linksOf(workers), 'api', 'valkey', 'temporal', 'standin'];
      for (const fault of faults) {
        expect(known).toContain(targetOf(fault));
        if ('ms' in fault) expect(fault.ms).toBeGreaterThanOrEqual(2_000);
        if ('ms' in fault) expect(fault.ms).toBeLessThanOrEqual(LONGEST_MS);
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});

test('a hundred faults hold every kind, on every server and every link', () => {
  const faults = schedule(1, 100, 2).flatMap((strike) => strike.faults);
  const kinds = new Set(faults.map((fault) => (fault.kind === 'toxic' ? fault.toxic.type : fault.kind)));
  expect([...kinds].sort()).toEqual(['bandwidth', 'freeze', 'kill', 'latency', 'reset_peer', 'stop', 'timeout']);
  expect(schedule(2, 100, 2)).not.toEqual(schedule(1, 100, 2));
});

test('a seed gives the same folder, byte for byte', async () => {
  const base = mkdtempSync(path.join(tmpdir(), 'dsx-corpus-'));
  try {
    const one = makeCorpus(path.join(base, 'one'), 3, 1, 500);
    const two = makeCorpus(path.join(base, 'two'), 3, 1, 500);
    expect([...two.items]).toEqual([...one.items]);
    expect(one.items.size).toBe(500);
    expect((await snapshot(one.folder)).size).toBe(500);
    const outcomes = new Set([...one.items.values()].map((item) => item.outcome));
    expect([...outcomes].sort()).toEqual(['clean', 'malicious', 'skipped']);
    const other = makeCorpus(path.join(base, 'other'), 4, 1, 500);
    expect([...other.items]).not.toEqual([...one.items]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
