import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createApiClient } from '../../api/client.ts';
import { isAlive } from '../../cli/stack/process-id.ts';
import { readReport } from '../../cli/stack/report.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { readState } from '../../cli/stack/state.ts';
import { writeMany } from '../support/files.ts';
import { plainEnv, tempHome } from './support.ts';

const FILES = 600;
const { folder, home, remove } = tempHome();
afterAll(remove);

function start(latencyMs: number) {
  const env = plainEnv({ STANDIN_LATENCY_MS: String(latencyMs), STANDIN_WORKERS: '8', DSXCONNECT_PAGE_ITEMS: '20' });
  return stacks.start({ home, env, isolated: true, workers: 3 });
}

test('each worker is shown and started again; down under load leaves nothing; the next up goes on with the scan', async () => {
  const data = path.join(folder, 'data');
  mkdirSync(data);
  writeMany(data, FILES);
  const stack = await start(200);
  const client = createApiClient({ origin: stack.api });
  const { job } = await client.startJob({ folder: data, scanner: 'standin' });
  await expect.poll(async () => (await client.job(job)).pages.closed, { timeout: 30_000 }).toBeGreaterThan(0);

  const second = readState(home)?.parts.find((part) => part.name === 'worker-2');
  process.kill(second?.process?.pid ?? 0, 'SIGKILL');
  await expect
    .poll(async () => (await readReport(home)).parts.find((part) => part.name === 'worker-2'), { timeout: 30_000 })
    .toMatchObject({ condition: 'up', restarts: 1 });
  expect((await readReport(home)).parts.filter((part) => part.part === 'worker').length).toBe(3);

  const parts = readState(home)?.parts ?? [];
  const under = readState(home)?.supervisor;
  await stacks.stop(home);
  expect([...parts.map((part) => part.process), under].filter((id) => id !== undefined && isAlive(id))).toEqual([]);
  expect(readState(home)).toBeUndefined();

  const again = createApiClient({ origin: (await start(0)).api });
  await expect.poll(async () => (await again.job(job)).state, { timeout: 60_000 }).toBe('completed');
  const { listed, counters } = await again.job(job);
  expect([listed, counters.outcomes.clean]).toEqual([FILES, FILES]);
}, 150_000);
