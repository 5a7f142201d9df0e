import { readdirSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const DAY = 86_400;
let plant: Plant;
beforeAll(async () => {
  plant = await Plant.start();
  await plant.worker({ DSXCONNECT_PAGE_ITEMS: '50' });
});
afterAll(() => plant.stop());

/** Resolves when what was written last is old enough to be told from a later write. */
async function settled(folder: string): Promise<void> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const last = Math.max(...entries.map((name) => statSync(path.join(folder, name)).ctimeMs));
  while (Date.now() - last < 150) await new Promise((resolve) => setImmediate(resolve));
}

async function scan(folder: string, settings = {}, job?: string): Promise<ScanHandle> {
  await settled(folder);
  const request = { source: plant.source(folder), ...(job !== undefined && { job }) };
  const handle = await plant.start(settings, request);
  await handle.result();
  return handle;
}

const incremental = (folder: string): Promise<ScanHandle> => scan(folder, { incremental: true, rescanAfter: 30 * DAY });

/** Location to outcome, with the rule of what was skipped. */
async function outcomes(handle: ScanHandle): Promise<Record<string, string>> {
  const rows = (await handle.rows()).sort((a, b) => (a.location < b.location ? -1 : 1));
  return Object.fromEntries(
    rows.map((row) => [row.location, row.outcome === 'skipped' ? `${row.reason}` : row.outcome]),
  );
}

async function expectProven(handle: ScanHandle) {
  const report = await verifyJob(plant.ledger.job(handle.job), { others: plant.ledger });
  expect(report.problems).toEqual([]);
  return report;
}

const rowOf = async (handle: ScanHandle, location: string): Promise<OutcomeRow | undefined> =>
  (await handle.rows()).find((row) => row.location === location);

test('what is unchanged is skipped, and its row leads to the one that judged the bytes; all else is scanned', async () => {
  const folder = path.join(plant.folder, 'changes');
  writeFiles(folder, {
    'a/kept': 'kept',
    'a/replaced': 'before',
    'a/rewritten': 'before',
    'a/same time': 'before',
    'b/deleted': 'deleted',
    'b/renamed': 'renamed',
    'c/evil': EICAR,
    'c/touched': 'touched',
    'é/𝄞 and more': 'beyond the basic plane',
    'é/\ue000': 'before it in code units',
  });
  const first = await scan(folder);
  const root = (await first.result()).root;
  plant.standin.reset();
  const idle = await incremental(folder);
  expect(await outcomes(idle)).toMatchObject({ 'a/kept': 'unchanged', 'c/evil': 'malicious' });
  expect((await idle.progress()).counters).toMatchObject({
    unchanged: 9,
    standIn: 10,
    outcomes: { skipped: 9, malicious: 1 },
  });
  expect((await idle.progress()).incremental).toEqual({ since: { job: first.job, root }, unannounced: 0 });
  const original = await rowOf(first, 'a/kept');
  expect((await rowOf(idle, 'a/kept'))?.unchanged).toMatchObject({
    row: `${first.job}/${original?.item}`,
    root,
    at: original?.at,
    standIn: true,
  });

  const at = (name: string) => path.join(folder, name);
  writeFileSync(at('new'), 'replacement');
  renameSync(at('new'), at('a/replaced'));
  writeFileSync(at('a/rewritten'), 'after!');
  const { atime, mtime } = statSync(at('a/same time'));
  writeFileSync(at('a/same time'), 'AFTER!');
  utimesSync(at('a/same time'), atime, mtime);
  unlinkSync(at('b/deleted'));
  renameSync(at('b/renamed'), at('b/with another name'));
  utimesSync(at('c/touched'), new Date(), new Date());
  writeFileSync(at('a/new'), 'new');
  const second = await incremental(folder);
  expect(await outcomes(second)).toEqual({
    'a/kept': 'unchanged',
    'a/new': 'clean',
    'a/replaced': 'clean',
    'a/rewritten': 'clean',
    'a/same time': 'clean',
    'b/with another name': 'clean',
    'c/evil': 'malicious',
    'c/touched': 'clean',
    'é/\ue000': 'unchanged',
    'é/𝄞 and more': 'unchanged',
  });
  // All but the malicious one, whose version is known.
  expect((await second.progress()).incremental).toMatchObject({ since: { job: idle.job }, unannounced: 6 });

  const third = await incremental(folder);
  const rows = await third.rows();
  const judge = (location: string) => rows.find((row) => row.location === location)?.unchanged?.row.split('/')[0];
  expect(judge('a/kept')).toBe(first.job);
  expect(judge('a/new')).toBe(second.job);
  // Three scans, each with its probe and the malicious item.
  expect(plant.standin.stats().scans).toBe(3 * 2 + 6);
  const report = await expectProven(third);
  expect(report.unchanged).toEqual({ rows: 9, checked: 9, judgedBy: [first.job, second.job].sort(), notThere: [] });
  await expectProven(second);
}, 60_000);

/** Changes a byte of an object of a ledger. */
function damage(job: string, folder: string, number: number): void {
  const place = path.join(plant.home, 'state/ledger', job, folder);
  const victim = path.join(place, readdirSync(place).sort()[number] as string);
  const bytes = readFileSync(victim);
  bytes[bytes.length - 9] = (bytes[bytes.length - 9] as number) ^ 1;
  writeFileSync(victim, bytes);
}

test('a job whose rows are gone or damaged: everything is scanned, and the account says why', async () => {
  const folder = path.join(plant.folder, 'damaged');
  writeMany(folder, 120);
  const first = await scan(folder);
  const second = await incremental(folder);
  expect((await second.progress()).counters.unchanged).toBe(120);

  // The job that judged the bytes is gone: no auditor could follow a row to it.
  const kept = path.join(plant.home, 'kept');
  renameSync(path.join(plant.home, 'state/ledger', first.job), kept);
  const third = await incremental(folder);
  expect((await third.progress()).counters.outcomes).toMatchObject({ clean: 120, skipped: 0 });
  expect((await third.progress()).incremental).toMatchObject({ since: { job: second.job }, unannounced: 0 });
  const report = await verifyJob(plant.ledger.job(second.job), { others: plant.ledger });
  expect([report.ok, report.unchanged?.checked, report.unchanged?.notThere]).toEqual([true, 0, [first.job]]);
  renameSync(kept, path.join(plant.home, 'state/ledger', first.job));

  // A byte of a segment of the newest scan.
  damage(third.job, 'segments', 1);
  const fourth = await incremental(folder);
  expect((await fourth.progress()).incremental?.why?.code).toBe('damaged');
  const { outcomes: counts } = (await fourth.progress()).counters;
  expect(counts.clean + counts.skipped).toBe(120);
  expect(counts.skipped).toBeLessThanOrEqual(50);
  expect((await expectProven(fourth)).unchanged?.judgedBy).toEqual([third.job]);

  damage(fourth.job, 'indexes', 0);
  const fifth = await incremental(folder);
  expect((await fifth.progress()).counters.outcomes.clean).toBe(120);
  expect((await fifth.progress()).incremental?.why?.code).toBe('damaged');
}, 60_000);

test('without a scan before it nothing is skipped; a scan that was cut short counts for the rows it has', async () => {
  const folder = path.join(plant.folder, 'cut');
  writeMany(folder, 150);
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 40, workers: 4 });
  await settled(folder);
  const cut = await plant.start({ incremental: true, rescanAfter: 30 * DAY }, { source: plant.source(folder) });
  await plant.untilScans(60);
  await cut.control('cancel');
  const { counters, state, root } = await cut.result();
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  expect([state, (await cut.progress()).incremental?.why?.code]).toEqual(['cancelled', 'no_baseline']);
  const next = await incremental(folder);
  const told = await next.progress();
  expect(told.counters.unchanged).toBe(counters.outcomes.clean);
  expect(told.counters.outcomes.clean).toBe(150 - counters.outcomes.clean);
  expect(told.incremental).toEqual({ since: { job: cut.job, root } });
  await expectProven(next);
}, 60_000);

test('a worker that is killed while it plans: the next one goes on beside the same rows', async () => {
  const folder = path.join(plant.folder, 'killed');
  writeMany(folder, 2_000);
  const first = await scan(folder);
  await plant.stopWorkers();
  const victim = await plant.worker({ DSXCONNECT_PAGE_ITEMS: '20' });
  const handle = await plant.start({ incremental: true, rescanAfter: 30 * DAY }, { source: plant.source(folder) });
  await handle.until(({ listed }) => listed > 0);
  victim.kill('SIGKILL');
  await victim.gone;
  await plant.worker({ DSXCONNECT_PAGE_ITEMS: '20' });
  await handle.result();
  const told = await handle.progress();
  expect(told.counters).toMatchObject({ unchanged: 2_000, outcomes: { skipped: 2_000 } });
  expect(told.incremental).toMatchObject({ since: { job: first.job }, unannounced: 0 });
  await expectProven(handle);
}, 120_000);
