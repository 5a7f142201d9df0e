import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../../cli/home.ts';
import { isAlive, waitForEnd } from '../../cli/stack/process-id.ts';
import { readReport } from '../../cli/stack/report.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { readState } from '../../cli/stack/state.ts';
import { plainEnv, tempHome } from './support.ts';

const { home, remove } = tempHome();
afterAll(remove);

test('a stack for the occasion serves, is found by others, and its Node parts end with their supervisor', async () => {
  const started = await stacks.start({
    home,
    env: plainEnv({ DSXA_SCANNER_URL: 'http://127.0.0.1:1' }),
    isolated: true,
    workers: 2,
  });
  expect(started).toMatchObject({ standing: false, scanners: ['standin'], ledger: path.join(home, 'ledger') });
  expect(await stacks.find(home)).toEqual(started);
  const report = await readReport(home);
  expect(report.problems).toEqual([]);
  expect(report.parts.map(({ name }) => name)).toEqual(['temporal', 'valkey', 'standin', 'worker', 'worker-2', 'api']);

  const state = readState(home);
  process.kill(state?.supervisor.pid ?? 0, 'SIGKILL');
  const nodes = state?.parts.filter(({ part }) => part !== 'temporal' && part !== 'valkey') ?? [];
  for (const { process: id } of nodes) expect(id && (await waitForEnd(id, 20_000))).toBe(true);
  expect(await stacks.find(home)).toBeUndefined();
  expect(state?.parts.filter((part) => isAlive(part.process))).toEqual([]);
});

test('when the command is killed while it starts the stack, nothing stays behind', async () => {
  const main = path.join(ROOT, 'cli/main.ts');
  const env = plainEnv({ DSX_HOME: home, API_PORT: '0' }) as NodeJS.ProcessEnv;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'up'], {
    cwd: tmpdir(),
    env,
    stdio: 'ignore',
  });
  while (!readState(home)?.parts.some((part) => part.process)) await pause(10);
  const state = readState(home);
  child.kill('SIGKILL');
  expect(state && (await waitForEnd(state.supervisor, 30_000))).toBe(true);
  expect(readState(home)).toBeUndefined();
  expect(state?.parts.filter((part) => isAlive(part.process))).toEqual([]);
});
