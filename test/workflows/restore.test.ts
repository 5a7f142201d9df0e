import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanSettings } from '../../domain/job.ts';
import { ITEM_HOLD, itemHoldId, QUEUE, WORKFLOW } from '../../workflows/messages.ts';
import { actionsOf, infect, left, verified } from '../support/approval.ts';
import { EICAR } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';
import { quarantined, startRestore } from '../support/restore.ts';

const SHA256 = createHash('sha256').update(EICAR).digest('hex');
let plant: Plant;
beforeAll(async () => {
  plant = await Plant.start();
  await plant.worker();
});
afterAll(() => plant.stop());

function settingsFor(name: string): ScanSettings {
  const quarantine = path.join(plant.home, `quarantine-${name}`);
  return { filter: '', action: 'move', dryRun: false, scanner: 'standin', quarantine };
}

/** A folder whose malicious files a scan has moved away. */
async function moved(
  name: string,
  count: number,
): Promise<{ folder: string; scan: ScanHandle; settings: ScanSettings }> {
  const folder = infect(path.join(plant.folder, name), count);
  const settings = settingsFor(name);
  for (const file of left(folder)) utimesSync(path.join(folder, file), 1_700_000_000, 1_700_000_000);
  const scan = await plant.start(settings, { source: plant.source(folder) });
  expect(await scan.result()).toMatchObject({ actions: { done: count } });
  expect(left(folder)).toEqual([]);
  return { folder, scan, settings };
}

function kept(name: string): string[] {
  const folder = path.join(plant.home, `quarantine-${name}`);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.quarantined'));
}

describe('a restore', () => {
  it('puts back what a job moved, with bytes, mode and time; the list of the quarantine follows', async () => {
    const { folder, scan, settings } = await moved('back', 7);
    const before = await quarantined(plant, folder, 2);
    expect(before.map(({ row }) => row.location).sort()).toEqual(Array.from({ length: 7 }, (_, i) => `bad-0${i}.com`));
    expect(before[0]).toMatchObject({ job: scan.job, row: { action: 'move', state: 'done', sha256: SHA256 } });
    expect(before[0]?.row.threat).toBeTruthy();

    const one = before.find(({ row }) => row.location === 'bad-03.com');
    const first = await startRestore(plant, scan.job, folder, settings, [one?.row.item ?? '']);
    const result = await first.result();
    expect(result).toMatchObject({ state: 'completed', listed: 0, actions: { done: 1, failed: 0 } });
    await verified(plant, first.job, result.root);
    expect(left(folder)).toEqual(['bad-03.com']);
    expect((await quarantined(plant, folder)).length).toBe(6);
    expect((await actionsOf(plant, first.job))[0]).toMatchObject({
      finding: `${scan.job}/${one?.row.item}`,
      action: 'restore',
      state: 'done',
      code: 'applied',
      version: one?.row.version,
      sha256: SHA256,
      destination: path.join(folder, 'bad-03.com'),
      by: expect.stringContaining(`restore of ${scan.job}, ordered by ann at `),
    });

    const rest = await startRestore(plant, scan.job, folder, settings);
    expect(await rest.result()).toMatchObject({ state: 'completed', actions: { done: 6 } });
    for (const file of left(folder)) {
      expect(readFileSync(path.join(folder, file), 'utf8')).toBe(EICAR);
      expect(statSync(path.join(folder, file)).mtimeMs).toBe(1_700_000_000_000);
    }
    expect(left(folder).length).toBe(7);
    expect(await quarantined(plant, folder)).toEqual([]);
    expect(kept('back')).toEqual([]);
    expect((await plant.ledger.job(first.job).header())?.order).toMatchObject({
      why: 'restore',
      reason: 'false alarm',
    });
  }, 60_000);

  it('asked for twice at once acts once, and both say that it is done', async () => {
    const { folder, scan, settings } = await moved('twice', 30);
    const items = (await quarantined(plant, folder)).map(({ row }) => row.item);
    const both = await Promise.all([1, 2].map(() => startRestore(plant, scan.job, folder, settings, items)));
    for (const { job, result } of both) {
      const ended = await result();
      expect(ended).toMatchObject({ state: 'completed', actions: { done: 30 } });
      await verified(plant, job, ended.root);
    }
    const codes = (await Promise.all(both.map(({ job }) => actionsOf(plant, job)))).flat().map(({ code }) => code);
    expect(codes.filter((code) => code === 'applied').length).toBe(30);
    expect(left(folder).length).toBe(30);
  }, 60_000);

  it('overwrites nothing: what has the name by now stays, and the account has the gap', async () => {
    const { folder, scan, settings } = await moved('newer', 3);
    writeFileSync(path.join(folder, 'bad-01.com'), 'something newer');
    mkdirSync(path.join(folder, 'bad-02.com'));
    const { job, result } = await startRestore(plant, scan.job, folder, settings);
    const ended = await result();
    expect(ended).toMatchObject({ state: 'completed_with_gaps', actions: { done: 1, failed: 2 } });
    await verified(plant, job, ended.root);
    const rows = new Map((await actionsOf(plant, job)).map((row) => [row.location, row]));
    expect(rows.get('bad-01.com')).toMatchObject({ state: 'failed', code: 'destination_taken' });
    expect(rows.get('bad-02.com')).toMatchObject({ state: 'failed', code: 'destination_taken' });
    expect(readFileSync(path.join(folder, 'bad-01.com'), 'utf8')).toBe('something newer');
    expect((await quarantined(plant, folder)).map(({ row }) => row.location).sort()).toEqual([
      'bad-01.com',
      'bad-02.com',
    ]);
    expect(kept('newer').length).toBe(2);
    expect((await plant.ledger.job(job).head())?.body.account?.gaps).toEqual([{ class: 'action_failed', count: 2 }]);
  }, 60_000);

  it('waits for an item that another operation holds', async () => {
    const { folder, scan, settings } = await moved('held', 1);
    const hash = createHash('sha256')
      .update(`${plant.source(folder).id}\0bad-00.com`)
      .digest('hex')
      .slice(0, 32);
    const hold = await plant.client.workflow.start(WORKFLOW.itemHold, {
      workflowId: itemHoldId(hash),
      taskQueue: QUEUE.orchestrate,
      args: ['another'],
      memo: { holder: 'another' },
    });
    const { job, result } = await startRestore(plant, scan.job, folder, settings);
    const handle = plant.client.workflow.getHandle(`restore:${job}`);
    for (let started = false; !started; ) {
      const { raw } = await handle.describe();
      started = (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'applyActions');
    }
    expect(left(folder)).toEqual([]);
    await hold.signal(ITEM_HOLD.release, 'somebody else');
    await hold.signal(ITEM_HOLD.release, 'another');
    expect(await result()).toMatchObject({ state: 'completed', actions: { done: 1 } });
    expect(left(folder)).toEqual(['bad-00.com']);
  }, 60_000);
});

describe('what was put back', () => {
  it('is judged again by the next scan, and stays once its hash is allowed; until that is revoked', async () => {
    const { folder, scan, settings } = await moved('again', 2);
    await (await startRestore(plant, scan.job, folder, settings)).result();
    const next = await plant.start(settings, { source: plant.source(folder) });
    expect(await next.result()).toMatchObject({ counters: { outcomes: { malicious: 2 } }, actions: { done: 2 } });
    expect((await quarantined(plant, folder)).map(({ job }) => job)).toEqual([next.job, next.job]);

    await (await startRestore(plant, next.job, folder, settings)).result();
    await plant.ledger.allowed.append({ sha256: SHA256, allowed: true, by: 'ann', reason: 'our own test file' });
    // A worker that has not looked the hash up before.
    await plant.stopWorkers();
    await plant.worker();
    const allowed = await plant.start(settings, { source: plant.source(folder) });
    const result = await allowed.result();
    expect(result).toMatchObject({ state: 'completed', listed: 3, actions: { done: 0 } });
    expect(result.counters).toMatchObject({ outcomes: { clean: 1, skipped: 2, malicious: 0 }, allowed: 2 });
    await verified(plant, allowed.job, result.root);
    expect(left(folder).length).toBe(2);
    expect((await allowed.rows()).find((row) => row.location === 'bad-00.com')).toMatchObject({
      outcome: 'skipped',
      reason: 'allowed',
      sha256: SHA256,
      verdict: { verdict: 'Malicious' },
      note: expect.stringContaining('malicious, and allowed by ann at '),
    });

    await plant.ledger.allowed.append({ sha256: SHA256, allowed: false, by: 'bob', reason: 'not ours' });
    await plant.stopWorkers();
    await plant.worker();
    const revoked = await plant.start(settings, { source: plant.source(folder) });
    expect(await revoked.result()).toMatchObject({ actions: { done: 2 } });
    expect(left(folder)).toEqual([]);
  }, 90_000);
});
