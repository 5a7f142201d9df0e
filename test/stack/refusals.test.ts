import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readReport } from '../../cli/stack/report.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';
import { closedPort, dsx, mute, tempHome } from './support.ts';

const { folder, home, remove } = tempHome();
let redis: ValkeyServer;
let silent: Awaited<ReturnType<typeof mute>>;
let nobody: string;
beforeAll(async () => {
  redis = await startValkey();
  silent = await mute();
  nobody = `127.0.0.1:${await closedPort()}`;
});
afterAll(async () => {
  await remove();
  await redis.stop();
  await silent.close();
});

test('a Redis that the environment names is used and not started', async () => {
  const up = await dsx(home, ['up', '--only', 'standin,valkey'], { REDIS_URL: redis.url });
  expect(up.stderr).toContain('standin is up');
  const { parts, problems } = await readReport(home);
  expect(problems).toEqual([]);
  expect(parts).toContainEqual(expect.objectContaining({ name: 'redis', origin: 'external', address: redis.url }));
  expect(existsSync(path.join(home, 'valkey'))).toBe(false);
  expect(await dsx(home, ['down'])).toMatchObject({ code: 0 });
  expect((await dsx(home, ['up', '--only', 'valkey'], { REDIS_URL: redis.url })).code).toBe(0);
  await dsx(home, ['down']);
});

test.concurrent.for([
  ['TEMPORAL_ADDRESS', () => nobody, 'no Temporal at TEMPORAL_ADDRESS='],
  ['TEMPORAL_ADDRESS', () => `127.0.0.1:${silent.port}`, 'does not answer as Temporal'],
  ['REDIS_URL', () => `redis://user:secret@${nobody}`, 'no Redis at REDIS_URL=redis://127'],
  ['DSXA_SCANNER_URL', () => `http://${nobody}`, 'no scanner at DSXA_SCANNER_URL=http://127'],
] as const)('%s that leads nowhere is told at once', async ([name, value, text], { expect }) => {
  const home = path.join(folder, `${name} ${text.length}`);
  const up = await dsx(home, ['up'], { [name]: value(), API_PORT: nobody.split(':')[1] ?? '' });
  expect(up.code).toBe(5);
  expect(up.stderr).toContain(text);
  expect(up.stderr).not.toContain('secret');
  expect(up.stderr).not.toContain('starting');
  expect((await readReport(home)).up).toBe(false);
});

test('a port of the API that is in use is named with the remedy', async () => {
  const up = await dsx(home, ['up'], { API_PORT: String(silent.port) });
  expect(up.code).toBe(5);
  expect(up.stderr).toContain(`127.0.0.1:${silent.port}`);
  expect(up.stderr).toContain(`API_PORT=${silent.port + 1}`);
  expect(up.stderr).not.toContain('starting');
});

test('a part or a setting that cannot be meant is a usage error', async () => {
  const unknown = await dsx(home, ['up', '--only', 'redis']);
  expect(unknown.stderr).toContain('the parts are temporal, valkey, standin, worker, api');
  expect(unknown.code).toBe(2);
  const open = await dsx(home, ['up'], { API_HOST: '0.0.0.0' });
  expect(open.stderr).toContain('set DSXCONNECT_API_KEY_FILE');
  expect(open.code).toBe(2);
});

test('a home that cannot be is told in one line', async () => {
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  for (const [bad, text] of [
    [file, 'a file is in the way'],
    [`${file}/below`, 'a file is in the way'],
    ...(process.platform === 'linux' ? [['/proc/dsx', 'cannot keep state in /proc/dsx']] : []),
    [`/tmp/${'long/'.repeat(1_000)}`, 'the path is too long'],
  ] as [string, string][]) {
    const up = await dsx(bad, ['up']);
    expect(up.stderr).toContain(text);
    expect(up.stderr).toContain('set DSX_HOME');
    expect(up.stderr.trim().split('\n')).toHaveLength(1);
    expect(up.code).toBe(5);
  }
});
