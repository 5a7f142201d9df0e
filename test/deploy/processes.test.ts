import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../cli/home.ts';
import { temporalBinary } from '../../cli/stack/binaries.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { closedPort, plainEnv, tempHome } from '../stack/support.ts';
import { composed, type Service } from './compose.ts';
import { installTools } from './tools.ts';

const run = promisify(execFile);
const KEY = 'a-key-for-the-tests-alone';
const { folder, home, remove } = tempHome();
const children: ChildProcess[] = [];
let services: Record<string, Service>;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  await installTools();
  const keyFile = path.join(folder, 'key');
  writeFileSync(keyFile, KEY, { mode: 0o600 });
  services = await composed({ DSXCONNECT_API_KEY_FILE: keyFile });
  await stacks.start({ home, env: plainEnv(), only: ['temporal', 'valkey'], isolated: true });
  const { readState } = await import('../../cli/stack/state.ts');
  const state = readState(home);
  const data = path.join(folder, 'data');
  mkdirSync(data);
  const connectors = readFileSync(path.join(ROOT, 'deploy/dsx-connect.yaml'), 'utf8').replace('/data', data);
  writeFileSync(path.join(folder, 'dsx-connect.yaml'), connectors);
  // The addresses and folders of this machine in place of those inside the containers; loopback, as everything in the tests.
  env = {
    ...plainEnv(),
    DSX_HOME: path.join(folder, 'state'),
    DSX_CONFIG: path.join(folder, 'dsx-connect.yaml'),
    TEMPORAL_ADDRESS: state?.temporalAddress,
    REDIS_URL: state?.redisUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(await closedPort()),
    DSXCONNECT_API_KEY_FILE: keyFile,
  };
}, 180_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await remove();
});

/** Starts a service of the compose file with its settings, and resolves when it is ready. */
async function start(name: string): Promise<ChildProcess> {
  const { command = [], environment } = services[name] ?? {};
  const given = Object.fromEntries(Object.entries(environment ?? {}).map(([key, value]) => [key, env[key] ?? value]));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...command], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, DSX_HOME: env.DSX_HOME, ...given },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return child;
}

async function end(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return await ended;
}

test('the services run with the settings of the compose file, and end in good order', async () => {
  const [worker, api] = await Promise.all([start('worker'), start('api')]);
  const base = `http://127.0.0.1:${env.API_PORT}/dsx-connect/api/v1`;
  expect((await fetch(`${base}/connectors`)).status).toBe(401);
  const headers = { authorization: `Bearer ${KEY}` };
  expect((await fetch(`${base}/connectors`, { headers })).status).toBe(200);
  const check = /CMD (\["node".*\])$/m.exec(readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8'))?.[1];
  const [, ...args] = JSON.parse(check ?? '[]') as string[];
  await run(process.execPath, args, { env: { API_PORT: env.API_PORT } });
  await expect(run(process.execPath, args, { env: { API_PORT: String(await closedPort()) } })).rejects.toThrow();
  expect(await end(api)).toBe(0);
  expect(await end(worker)).toBe(0);
});

test('the namespace is created once', async () => {
  const script = path.join(ROOT, 'deploy/temporal/create-namespace.sh');
  const tools = path.join(folder, 'bin');
  mkdirSync(tools);
  writeFileSync(path.join(tools, 'temporal'), `#!/bin/sh\nexec '${temporalBinary()}' "$@"\n`, { mode: 0o755 });
  const settings = {
    PATH: `${tools}:${process.env.PATH}`,
    HOME: folder,
    TEMPORAL_ADDRESS: env.TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE: 'scans',
    RETENTION: services['temporal-namespace']?.environment?.RETENTION,
  };
  await run('/bin/sh', [script], { env: settings });
  const described = await run(path.join(tools, 'temporal'), ['operator', 'namespace', 'describe', '-o', 'json'], {
    env: settings,
  });
  expect(described.stdout).toContain('2592000s');
  await run('/bin/sh', [script], { env: settings });
});
