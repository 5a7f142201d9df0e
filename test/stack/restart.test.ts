import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAlive, waitForEnd } from '../../cli/stack/process-id.ts';
import { readReport } from '../../cli/stack/report.ts';
import { reportLines } from '../../cli/stack/report-text.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { type PartState, readState } from '../../cli/stack/state.ts';
import { dsx, plainEnv, tempHome } from './support.ts';

const { home, remove } = tempHome();
const start = (say?: (line: string) => void) =>
  stacks.start({ home, env: plainEnv(), only: ['valkey'], isolated: true, ...(say && { say }) });
beforeAll(async () => {
  await start();
});
afterAll(remove);

const valkey = (): PartState | undefined => readState(home)?.parts.find((part) => part.name === 'valkey');

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(20);
}

function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error('no such process');
  process.kill(pid, 'SIGKILL');
}

test('a part that dies is started again on its port, and status says so', async () => {
  const before = valkey();
  kill(before?.process?.pid);
  await until(() => valkey()?.condition === 'up' && valkey()?.process?.pid !== before?.process?.pid);
  expect(valkey()).toMatchObject({ restarts: 1, address: before?.address });
  expect(valkey()?.problem?.text).toContain('valkey was ended by SIGKILL');
  const report = await readReport(home);
  expect(report.problems).toEqual([]);
  expect(reportLines(report).join('\n')).toMatch(/restarted 1×, last: valkey was ended by SIGKILL/);
});

test('what a killed supervisor left is found, ended, and does not keep the next stack from starting', async () => {
  const orphan = valkey()?.process;
  const dead = readState(home)?.supervisor;
  kill(dead?.pid);
  if (dead) await waitForEnd(dead, 5_000);
  expect(isAlive(orphan)).toBe(true);

  const status = await dsx(home, ['status']);
  expect(status.code).toBe(5);
  expect(status.stdout).toContain('left valkey running');

  const said: string[] = [];
  await start((line) => said.push(line));
  expect(said.join('\n')).toContain('ending valkey');
  expect(isAlive(orphan)).toBe(false);
  expect((await readReport(home)).problems).toEqual([]);
});

test('a state file of a machine that was switched off meanwhile names nobody', async () => {
  const state = readState(home);
  expect(state).toBeDefined();
  const before = { pid: process.pid, started: 'another boot/1' };
  expect(isAlive(before)).toBe(false);
  await stacks.stop(home);
  expect(await stacks.find(home)).toBeUndefined();
  expect(isAlive(state?.supervisor)).toBe(false);
});
