import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EICAR, writeFiles } from '../support/files.ts';
import type { ScanHandle } from '../support/plant.ts';
import { faultAt, RetryPlant } from './retry-plant.ts';

let here: RetryPlant;
let scans = 0;
beforeAll(async () => {
  here = await RetryPlant.start();
  await here.plant.worker({ DSXA_METADATA: 'on' });
});
afterAll(() => here.stop());
afterEach(() => here.plant.standin.reset());

/** Files in byte order of their locations, which is the order of their items. */
const FILES = ['a/0', 'a/1', 'a/2', 'b/3', 'b/4', 'b/5'];

/** A scan that failed at some items: ordinal to the fault of the stand-in. */
async function scanWith(faults: Record<number, string>, settings = {}): Promise<{ scan: ScanHandle; folder: string }> {
  const folder = path.join(here.plant.folder, `r${++scans}`);
  writeFiles(folder, Object.fromEntries(FILES.map((name) => [name, `file ${name}`])));
  const job = `job-first-${scans}`;
  here.plant.standin.setFaults(Object.entries(faults).map(([n, fault]) => faultAt(fault, job, `0-0:${n}`)));
  const scan = await here.plant.start(settings, { source: here.plant.source(folder), job });
  await scan.result();
  return { scan, folder };
}

describe('a retry', () => {
  test('scans exactly what failed, and closes the job', async () => {
    const { scan, folder } = await scanWith({ 1: '400', 4: '400' });
    expect(await scan.result()).toMatchObject({ state: 'completed_with_gaps' });
    here.plant.standin.reset();
    writeFileSync(path.join(folder, 'b/4'), 'another version by now');
    const retry = await here.retried(scan.job);
    expect(retry).toMatchObject({
      kind: 'retry',
      state: 'completed',
      listed: 2,
      retry: { of: scan.job, first: scan.job, outcomes: ['failed'] },
      whole: { of: scan.job, state: 'completed', listed: 6, gaps: [], counters: { outcomes: { clean: 6, failed: 0 } } },
    });
    const rows = await here.rows(retry.job);
    expect(rows.map((row) => [row.location, row.retryOf, row.outcome])).toEqual([
      ['a/1', `${scan.job}/0-0:1`, 'clean'],
      ['b/4', `${scan.job}/0-0:4`, 'clean'],
    ]);
    expect(rows[0]?.judged?.version).toBe(rows[0]?.listed.version);
    expect(rows[1]?.judged?.version).not.toBe(rows[1]?.listed.version);
    expect(here.plant.standin.stats().scans).toBe(2 + 1);
    const first = await here.client.job(scan.job);
    expect(first).toMatchObject({ state: 'completed_with_gaps', retriedBy: [retry.job], closedBy: retry.job });
    expect((await here.client.jobs()).jobs.find((job) => job.job === scan.job)?.closedBy).toBe(retry.job);
    await here.expectWhole([scan.job, retry.job]);
  });

  test('by class, by prefix, then all of the rest, one after the other', async () => {
    const { scan } = await scanWith({ 0: '400', 1: 'wrong-hash', 3: '400', 5: 'unknown-verdict' });
    const { job } = scan;
    here.plant.standin.reset();
    const byClass = await here.retried(job, { classes: ['scanner_mismatch'] });
    expect((await here.rows(byClass.job)).map((row) => row.location)).toEqual(['a/1']);
    expect(byClass.whole?.counters.outcomes).toMatchObject({ failed: 2, inconclusive: 1, clean: 3 });
    const byPrefix = await here.retried(job, { prefix: 'b/' });
    expect((await here.rows(byPrefix.job)).map((row) => row.location)).toEqual(['b/3']);
    const rest = await here.retried(job, { all: true });
    expect((await here.rows(rest.job)).map((row) => row.location)).toEqual(['a/0', 'b/5']);
    expect(rest.whole).toMatchObject({ state: 'completed', counters: { outcomes: { clean: 6 } } });
    await here.expectWhole([job, byClass.job, byPrefix.job, rest.job]);
  });

  test('of a retry retries what that one could not do', async () => {
    const { scan } = await scanWith({ 0: '400', 2: '400', 4: '400' });
    here.plant.standin.setFaults(['ok', '400 times=2']);
    const first = await here.retried(scan.job, { prefix: 'a/' });
    expect(first).toMatchObject({ listed: 2, state: 'completed_with_gaps', whole: { state: 'completed_with_gaps' } });
    here.plant.standin.reset();
    const second = await here.retried(first.job, {}, scan.job);
    expect((await here.rows(second.job)).map((row) => row.retryOf)).toEqual([
      `${first.job}/0-0:0`,
      `${first.job}/0-0:1`,
    ]);
    expect(second.whole).toMatchObject({
      jobs: [scan.job, first.job, second.job],
      counters: { outcomes: { failed: 1 } },
    });
    expect(await here.client.job(first.job)).toMatchObject({ retriedBy: [second.job] });
    await here.expectWhole([scan.job, first.job, second.job]);
  });

  test('acts on what it finds, as the job would have', async () => {
    const { scan, folder } = await scanWith({ 2: '400', 3: '400' }, { action: 'delete' });
    writeFileSync(path.join(folder, 'a/2'), EICAR);
    rmSync(path.join(folder, 'b/3'));
    here.plant.standin.reset();
    const retry = await here.retried(scan.job);
    expect(retry).toMatchObject({ actions: { done: 1 }, settings: { action: 'delete' } });
    expect(retry.whole?.counters.outcomes).toMatchObject({ malicious: 1, vanished: 1, clean: 4, failed: 0 });
    expect(() => readFileSync(path.join(folder, 'a/2'))).toThrow('ENOENT');
    const [action] = (await here.client.actions(retry.job)).rows;
    expect(action).toMatchObject({ finding: `${retry.job}/0-0:0`, state: 'done' });
    await here.expectWhole([scan.job, retry.job]);
  });

  test('that is cancelled counts for what it did, and the next one goes on from there', async () => {
    const { scan } = await scanWith({ 0: '400', 1: '400', 2: '400', 3: '400', 4: '400', 5: '400' });
    here.plant.standin.reset();
    here.plant.standin.setOptions({ latencyMs: 700, workers: 1 });
    const running = await here.retry(scan.job);
    await here.plant.untilPart(running.job);
    await running.control('cancel');
    expect(await running.result()).toMatchObject({ state: 'cancelled', listed: 6 });
    here.plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
    const { whole } = await here.client.job(running.job);
    const left = whole?.counters.outcomes.failed ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(6);
    const next = await here.retried(scan.job);
    expect(next).toMatchObject({ listed: left, whole: { state: 'completed', listed: 6 } });
    await here.expectWhole([scan.job, running.job, next.job]);
  });

  test('records nothing where another asset lies by now: nothing has vanished', async () => {
    const { scan, folder } = await scanWith({ 2: '400' });
    here.plant.standin.reset();
    renameSync(folder, `${folder}-away`);
    const retry = await here.retried(scan.job);
    expect(retry).toMatchObject({ state: 'failed', listed: 0, whole: { counters: { outcomes: { failed: 1 } } } });
    renameSync(`${folder}-away`, folder);
    const again = await here.retried(scan.job);
    expect(again.whole).toMatchObject({ state: 'completed', jobs: [scan.job, retry.job, again.job] });
    await here.expectWhole([scan.job, retry.job, again.job]);
  });
});

describe('a second retry', () => {
  test('joins the equal one that runs, is refused with another selection, and then has nothing to do', async () => {
    const { scan } = await scanWith({ 0: '400', 5: '400' });
    here.plant.standin.reset();
    here.plant.standin.setOptions({ latencyMs: 1_500 });
    const running = await here.retry(scan.job);
    const joined = await here.retry(scan.job, { outcomes: ['failed'] });
    expect([joined.job, joined.joined]).toEqual([running.job, true]);
    const refused = { code: 'scan_running', status: 409, problem: { job: running.job } };
    await expect(here.client.retry(scan.job, { prefix: 'a/' })).rejects.toMatchObject(refused);
    await expect(here.client.retry(scan.job, { action: 'delete' })).rejects.toMatchObject(refused);
    const early = { code: 'job_not_ended', status: 409 };
    await expect(here.client.retry(running.job)).rejects.toMatchObject(early);
    here.plant.standin.setOptions({ latencyMs: 0 });
    await running.result();
    const nothing = { code: 'nothing_to_retry', status: 409, problem: { closedBy: running.job, left: [] } };
    await expect(here.client.retry(scan.job)).rejects.toMatchObject(nothing);
    await expect(here.client.retry(running.job)).rejects.toMatchObject(nothing);
  });

  test('of what no retry can close says what is left', async () => {
    const { scan } = await scanWith({ 0: '400' });
    const refusal = await here.client.retry(scan.job, { classes: ['crashed'] }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'nothing_to_retry', problem: { left: [{ class: 'failed', count: 1 }] } });
    expect(String(refusal)).toContain('scanner_request');
    await expect(here.client.retry('job-none')).rejects.toMatchObject({ code: 'job_not_found', status: 404 });
  });
});

describe('a ledger that was changed', () => {
  async function damaged(what: 'segments' | 'commits'): Promise<string> {
    const { scan } = await scanWith({ 0: '400' });
    for await (const { name } of here.plant.ledger.job(scan.job).objects.list(what)) {
      const file = path.join(here.plant.ledger.place, scan.job, name);
      const bytes = readFileSync(file);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      rmSync(file);
      writeFileSync(file, bytes);
    }
    return scan.job;
  }

  test('is refused in what the retry reads', async () => {
    const refused = { code: 'ledger_unavailable', status: 503, problem: { reason: 'corrupt' } };
    await expect(here.client.retry(await damaged('segments'))).rejects.toMatchObject(refused);
    await expect(here.client.retry(await damaged('commits'))).rejects.toMatchObject(refused);
  });
});
