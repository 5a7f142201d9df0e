import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actionsOf, applyResult, decideAs, infect, left, verified, viewOf } from '../support/approval.ts';
import { EICAR } from '../support/files.ts';
import { Plant, type WorkerProcess } from '../support/plant.ts';

let plant: Plant;
beforeAll(async () => {
  plant = await Plant.start();
});
afterAll(() => plant.stop());

/** Ends a worker by force once it has taken away so many of the files. */
async function killAfter(worker: WorkerProcess, folder: string, before: number, taken: number): Promise<void> {
  while (left(folder).length > before - taken) await turn();
  worker.kill('SIGKILL');
  await worker.gone;
}

it('workers killed between permit and action, and while they carry out what was approved: no permit is lost or used twice, each action is done once', async () => {
  const folder = infect(path.join(plant.folder, 'crash'), 60);
  const quarantine = path.join(plant.home, 'quarantine');
  const settings = { action: 'move', quarantine, maxActions: 20, maxActionsWindow: 3600 } as const;
  const first = await plant.worker();
  const scan = await plant.start(settings, { source: plant.source(folder) });
  await killAfter(first, folder, 60, 1);
  const second = await plant.worker();
  const scanned = await scan.result();
  expect(scanned).toMatchObject({ listed: 61, actions: { done: 20, 'awaiting-approval': 40 } });
  await verified(plant, scan.job, scanned.root);
  expect(left(folder).length).toBe(40);
  expect((await viewOf(plant, folder)).permits.reduce((sum, { count }) => sum + count, 0)).toBe(20);

  const { decision } = await decideAs(plant, folder, { verdict: 'approve', through: 40, actor: 'ann' });
  await killAfter(second, folder, 40, 5);
  await plant.worker();
  const job = decision.jobs[0]?.job ?? '';
  const result = await applyResult(plant, job);
  expect(result).toMatchObject({ state: 'completed', actions: { done: 40 } });
  await verified(plant, job, result.root);
  expect(left(folder)).toEqual([]);

  const rows = [...(await actionsOf(plant, scan.job)), ...(await actionsOf(plant, job))];
  const done = rows.filter((row) => row.state === 'done').map((row) => row.location);
  expect(new Set(done).size).toBe(60);
  expect(done.length).toBe(60);
  const kept = readdirSync(path.join(quarantine, scan.job)).filter((name) => name.endsWith('.quarantined'));
  expect(kept.length).toBe(60);
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  for (const name of kept) {
    expect(sha256(readFileSync(path.join(quarantine, scan.job, name)))).toBe(sha256(EICAR));
  }
}, 120_000);
