import { readFileSync, statSync } from 'node:fs';
import { createClient } from 'redis';
import { afterAll, expect, test } from 'vitest';
import { isAlive } from '../../cli/stack/process-id.ts';
import type { StackReport } from '../../cli/stack/report.ts';
import { readState, stateFile } from '../../cli/stack/state.ts';
import { dsx, tempHome } from './support.ts';

const { home, remove } = tempHome();
afterAll(remove);

const report = async (): Promise<StackReport> =>
  JSON.parse((await dsx(home, ['status', '--json'])).stdout) as StackReport;

async function send(...command: string[]): Promise<unknown> {
  const client = createClient({ url: readState(home)?.redisUrl ?? '' });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

test('up starts, refuses to start twice, down ends it, and what was stored is there again', async () => {
  const before = await dsx(home, ['status']);
  expect(before).toMatchObject({ code: 5, stdout: `Nothing runs in ${home}.\n` });

  const up = await dsx(home, ['up', '--only', 'temporal,valkey']);
  expect(up.stderr).toContain('temporal is up on 127.0.0.1:');
  expect(up.code).toBe(0);
  expect(up.stdout).toContain('api: not started (left out by --only or --skip)');
  expect(await dsx(home, ['status'])).toMatchObject({ code: 0 });
  const first = await report();
  expect(first).toMatchObject({ home, up: true, problems: [] });
  expect(first.parts.map(({ name, condition, restarts }) => ({ name, condition, restarts }))).toEqual([
    { name: 'temporal', condition: 'up', restarts: 0 },
    { name: 'valkey', condition: 'up', restarts: 0 },
  ]);
  expect(statSync(stateFile(home)).mode & 0o077).toBe(0);
  expect(statSync(home).mode & 0o077).toBe(0);

  const again = await dsx(home, ['up', '--only', 'valkey']);
  expect(again.code).toBe(5);
  expect(again.stderr).toContain(`since ${first.since}`);
  expect(again.stderr).toContain('dsx down');
  expect((await report()).pid).toBe(first.pid);

  await send('SET', 'kept', 'yes');
  const state = readState(home);
  expect(await dsx(home, ['down'])).toMatchObject({ code: 0 });
  expect(state?.parts.filter((part) => isAlive(part.process))).toEqual([]);
  expect(isAlive(state?.supervisor)).toBe(false);
  expect(await dsx(home, ['down'])).toMatchObject({ code: 0, stdout: `Nothing runs in ${home}.\n` });

  expect(await dsx(home, ['up', '--skip', 'standin,worker,api,temporal'])).toMatchObject({ code: 0 });
  expect(await send('GET', 'kept')).toBe('yes');
  expect(readFileSync(`${home}/logs/supervisor.log`, 'utf8')).toContain('asked to stop');
});
