import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCounts, shownCount, UsageError } from '../../bench/lib/arguments.ts';
import { NoRoom, needOf, placeFor } from '../../bench/lib/place.ts';
import { checks, type NamedFigures } from '../../bench/lib/scale-report.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dsx-place-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('where the files of a benchmark go', () => {
  it('is a folder of this process that is not there yet', () => {
    expect(placeFor(10, folder)).toBe(path.join(folder, `dsx-bench-files-${process.pid}`));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused where there is no room, with what is needed, what there is and what to do', () => {
    const refusal = () => placeFor(10 ** 12, folder);
    expect(refusal).toThrow(NoRoom);
    expect(refusal).toThrow(/1,000,000,000,000 files need .* and .* inodes: .* has .*--folder.*--sizes/);
    expect(() => placeFor(1, path.join(folder, 'missing'))).toThrow(/cannot be used \(ENOENT\)/);
    expect(needOf(1_000_000).bytes).toBeGreaterThan(4 * 2 ** 30);
  });

  it('is cleared of what a killed benchmark left, and of nothing else', () => {
    // Above the largest number that Linux gives a process.
    for (const name of [`dsx-bench-files-${2 ** 22 + 1}`, `dsx-bench-files-${process.ppid}`, 'dsx-bench-files-mine']) {
      mkdirSync(path.join(folder, name));
    }
    placeFor(10, folder);
    expect(readdirSync(folder).sort()).toEqual([`dsx-bench-files-${process.ppid}`, 'dsx-bench-files-mine'].sort());
  });
});

describe('counts', () => {
  it('are read with k and m, and shown so', () => {
    expect(parseCounts('--sizes', '10k, 2M,7')).toEqual([10_000, 2_000_000, 7]);
    expect([10_000, 2_500_000, 7, 1_234].map(shownCount)).toEqual(['10 k', '2.5 M', '7', '1234']);
  });

  it.each(['', '0', '-1', '1.5m', '10g', '1k,,2k', '9999999999'])('%j is refused', (text) => {
    expect(() => parseCounts('--sizes', text)).toThrow(UsageError);
  });
});

describe('the checks of a scale benchmark', () => {
  const scan = (files: number, workerCpuMs: number, workerPeakBytes: number, more: Partial<NamedFigures> = {}) =>
    ({ name: shownCount(files), flat: false, files, workerCpuMs, workerPeakBytes, wrong: [], ...more }) as NamedFigures;

  it('hold a million files against a hundred thousand, and leave one folder of them apart', () => {
    const base = scan(100_000, 0.1, 100);
    const flat = scan(1_000_000, 0.5, 900, { flat: true });
    const good = checks([scan(10_000, 9, 9), base, scan(1_000_000, 0.105, 119), flat]);
    expect(good.map(({ ok }) => ok)).toEqual([true, true, true, true, true, true]);
    const dear = checks([base, scan(1_000_000, 0.12, 121)]);
    expect(dear.map(({ ok }) => ok)).toEqual([true, true, false, false]);
  });

  it('fail for an account that is not exact', () => {
    const [check] = checks([scan(10, 1, 1, { wrong: ['listed: 9, not 10'] })]);
    expect(check).toEqual({ ok: false, text: '10: account wrong: listed: 9, not 10' });
  });
});
