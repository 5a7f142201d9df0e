import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actionsOf, infect, left, verified } from '../support/approval.ts';
import { EICAR } from '../support/files.ts';
import { Plant } from '../support/plant.ts';
import { quarantined, startRestore } from '../support/restore.ts';

const FILES = 60;
let plant: Plant;
beforeAll(async () => {
  plant = await Plant.start();
});
afterAll(() => plant.stop());

it('a worker killed in the middle of a restore: another goes on, and everything is back once', async () => {
  const folder = infect(path.join(plant.folder, 'crash'), FILES);
  const quarantine = path.join(plant.home, 'quarantine');
  const settings = { filter: '', action: 'move', dryRun: false, scanner: 'standin', quarantine } as const;
  const first = await plant.worker();
  const scan = await plant.start(settings, { source: plant.source(folder) });
  expect(await scan.result()).toMatchObject({ actions: { done: FILES } });

  const { job, result } = await startRestore(plant, scan.job, folder, settings);
  while (left(folder).length < 5) await turn();
  first.kill('SIGKILL');
  await first.gone;
  const backAtDeath = left(folder).length;
  expect(backAtDeath).toBeLessThan(FILES);
  await plant.worker();
  const ended = await result();
  expect(ended).toMatchObject({ state: 'completed', actions: { done: FILES } });
  await verified(plant, job, ended.root);

  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  expect(left(folder).length).toBe(FILES);
  for (const name of left(folder)) expect(sha256(readFileSync(path.join(folder, name)))).toBe(sha256(EICAR));
  const rows = await actionsOf(plant, job);
  expect(new Set(rows.map(({ item }) => item)).size).toBe(FILES);
  expect(rows.length).toBe(FILES);
  expect(await quarantined(plant, folder)).toEqual([]);
}, 120_000);
