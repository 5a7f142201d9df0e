import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

/** The stand-in as it is between tests. */
const INSTANT = { latencyMs: 0, latencyPerMibMs: 0, workers: 1_000 };
/** Each job asks the scanner once whether it answers, before it lists anything. */
const PROBES = 1;
let plant: Plant;
let scans = 0;

/** A folder of its own for each test, so that no scan joins another. */
function freshFolder(): string {
  const folder = path.join(plant.folder, `t${++scans}`);
  writeFiles(folder, { '.keep': 'x' });
  rmSync(path.join(folder, '.keep'));
  return folder;
}

/** The account is exact: one row for each listed item, counts equal to the rows, and a ledger that proves itself. */
async function expectExact(scan: ScanHandle) {
  const result = await scan.result();
  const rows = await scan.rows();
  expect(new Set(rows.map((row) => row.item)).size).toBe(rows.length);
  expect(rowsOf(result.counters)).toBe(rows.length);
  for (const [outcome, count] of Object.entries(result.counters.outcomes)) {
    expect([outcome, rows.filter((row) => row.outcome === outcome).length]).toEqual([outcome, count]);
  }
  const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
  expect(report.problems).toEqual([]);
  return { result, rows };
}

beforeAll(async () => {
  plant = await Plant.start();
  await plant.worker();
});
afterAll(() => plant.stop());
afterEach(() => {
  plant.standin.reset();
  plant.standin.setOptions(INSTANT);
});

describe('a full scan of a folder', () => {
  it('brings every entry to one outcome', async () => {
    const folder = freshFolder();
    writeFiles(folder, { 'a.txt': 'plain', 'sub/eicar.com': EICAR, 'sub/empty': '', 'big.bin': Buffer.alloc(3000) });
    const scan = await plant.start({ maxSize: 2000 }, { source: plant.source(folder) });
    const { result, rows } = await expectExact(scan);
    expect(result.state).toBe('completed');
    expect(Object.fromEntries(rows.map((row) => [row.location, [row.outcome, row.reason]]))).toEqual({
      'a.txt': ['clean', undefined],
      'big.bin': ['skipped', 'size'],
      'sub/eicar.com': ['malicious', undefined],
      'sub/empty': ['clean', undefined],
    });
    expect(rows.find((row) => row.location === 'a.txt')?.scanner?.standIn).toBe(true);
  });

  it('ends completed for an empty folder, and says so when the last scan found items there', async () => {
    const folder = freshFolder();
    const first = await plant.start({}, { source: plant.source(folder) });
    expect((await expectExact(first)).result).toMatchObject({ state: 'completed', listed: 0 });
    writeFiles(folder, { a: '1' });
    await (await plant.start({}, { source: plant.source(folder) })).result();
    rmSync(path.join(folder, 'a'));
    const last = await plant.start({}, { source: plant.source(folder) });
    expect((await last.result()).state).toBe('completed_with_gaps');
  });

  it('fails with a clear word where there is no such folder, and the ledger says so', async () => {
    const scan = await plant.start({}, { source: plant.source('/nowhere/at/all') });
    const { result } = await expectExact(scan);
    expect(result).toMatchObject({ state: 'failed', listed: 0 });
    expect((await plant.ledger.job(scan.job).head())?.body.account?.failure?.code).toBe('unreachable');
  });

  it('moves what is malicious into quarantine, byte for byte, and nothing else; the next scan finds nothing new', async () => {
    const folder = freshFolder();
    const quarantine = path.join(plant.home, 'quarantine', `q${scans}`);
    writeFiles(folder, { 'a.txt': 'plain', 'x/bad 1.com': EICAR, 'x/bad\n2.com': EICAR });
    const scan = await plant.start({ action: 'move', quarantine }, { source: plant.source(folder) });
    const { result } = await expectExact(scan);
    expect(result).toMatchObject({ state: 'completed', actions: { done: 2 } });
    expect(existsSync(path.join(folder, 'x/bad 1.com'))).toBe(false);
    expect(existsSync(path.join(folder, 'x/bad\n2.com'))).toBe(false);
    expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('plain');
    expect(readFileSync(path.join(quarantine, scan.job, '0-0-1.quarantined'), 'latin1')).toBe(EICAR);
    const again = await plant.start({ action: 'move', quarantine }, { source: plant.source(folder) });
    expect((await expectExact(again)).result).toMatchObject({ listed: 1, actions: { done: 0 } });
  });

  it('touches nothing in a dry run, and lists what it would do', async () => {
    const folder = freshFolder();
    writeFiles(folder, { 'bad.com': EICAR });
    const settings = { action: 'delete', dryRun: true } as const;
    const scan = await plant.start(settings, { source: plant.source(folder) });
    const { result } = await expectExact(scan);
    expect(result.actions).toMatchObject({ planned: 1, done: 0 });
    expect(readFileSync(path.join(folder, 'bad.com'), 'latin1')).toBe(EICAR);
  });

  it('does not act on a file that was replaced after its verdict, and scans the new one', async () => {
    const folder = freshFolder();
    // The large file keeps the page open until the small one, already judged and written down, is another one.
    writeFiles(folder, { 'bad.com': EICAR, 'slow.bin': Buffer.alloc(2 ** 20) });
    const file = path.join(folder, 'bad.com');
    const before = statSync(file);
    plant.standin.setOptions({ latencyPerMibMs: 4_000 });
    const scan = await plant.start({ action: 'delete' }, { source: plant.source(folder) });
    await plant.untilPart(scan.job);
    writeFileSync(`${file}.new`, 'harmless'.padEnd(EICAR.length, '.'));
    utimesSync(`${file}.new`, before.atime, before.mtime);
    renameSync(`${file}.new`, file);
    const { result, rows } = await expectExact(scan);
    expect(readFileSync(file, 'utf8')).toContain('harmless');
    expect(result.actions).toMatchObject({ refused: 1, done: 0 });
    expect(rows.map((row) => [row.item, row.outcome, row.rescanOf])).toEqual([
      ['0-0:0', 'malicious', undefined],
      ['0-0:1', 'clean', undefined],
      ['1-0:0', 'clean', '0-0:0'],
    ]);
  });

  it('joins a running scan with equal settings and refuses one with others', async () => {
    const folder = freshFolder();
    writeMany(folder, 50);
    plant.standin.setOptions({ latencyMs: 100, workers: 2 });
    const scan = await plant.start({}, { source: plant.source(folder) });
    const joined = await plant.start({}, { source: plant.source(folder) });
    expect([joined.job, joined.joined]).toEqual([scan.job, true]);
    await expect(plant.start({ action: 'delete' }, { source: plant.source(folder) })).rejects.toMatchObject({
      cause: { type: 'scan_running', details: [{ job: scan.job }] },
    });
    await expectExact(scan);
  });
});

describe('control', () => {
  it('pause stops scanning within 3 s and resume goes on at the same place, scanning nothing twice', async () => {
    const folder = freshFolder();
    writeMany(folder, 600);
    plant.standin.setOptions({ latencyMs: 40, workers: 4 });
    const scan = await plant.start({}, { source: plant.source(folder) });
    await scan.until((progress) => progress.pages.open > 0);
    await plant.untilScans(40);
    const paused = Date.now();
    expect((await scan.control('pause', 'lunch')).state).toBe('paused');
    const stopped = await scan.until((progress) => progress.pages.open === 0);
    expect(Date.now() - paused).toBeLessThan(3_000);
    expect(stopped.idle).toMatchObject({ why: 'paused', by: 'test', reason: 'lunch' });
    const seen = plant.standin.stats().scans;
    expect(rowsOf(stopped.counters)).toBe(seen - PROBES);
    plant.standin.setOptions(INSTANT);
    await scan.control('resume');
    await expectExact(scan);
    expect(plant.standin.stats().scans).toBe(600 + PROBES);
  });

  it('cancel is acknowledged when nothing more is scanned, and accounts for what was done', async () => {
    const folder = freshFolder();
    writeMany(folder, 600);
    plant.standin.setOptions({ latencyMs: 40, workers: 4 });
    const scan = await plant.start({}, { source: plant.source(folder) });
    await plant.untilScans(40);
    await scan.control('cancel');
    const seen = plant.standin.stats().scans;
    const { result, rows } = await expectExact(scan);
    expect(plant.standin.stats().scans).toBe(seen);
    expect(result).toMatchObject({ state: 'cancelled', listed: 600 });
    expect(rows.length).toBeGreaterThanOrEqual(40);
    expect(rows.length).toBeLessThan(600);
  });

  it('refuses control of a job that is not the one that runs', async () => {
    const folder = freshFolder();
    writeMany(folder, 5);
    plant.standin.setOptions({ latencyMs: 1_000 });
    const scan = await plant.start({}, { source: plant.source(folder) });
    const stale = await plant.start({}, { source: plant.source(folder), job: 'job-other' });
    expect(stale.job).toBe(scan.job);
    Object.assign(stale, { job: 'job-other' });
    await expect(stale.control('pause')).rejects.toMatchObject({ cause: { type: 'job_ended' } });
    await expectExact(scan);
  });
});
