import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApiClient } from '../../api/client.ts';

const MAIN = join(import.meta.dirname, '../../api/main.ts');
let home: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dsx-api-process-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(home, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  /** Address, once it listens. */
  readonly ready: Promise<string>;
  readonly gone: Promise<{ code: number | null; output: string }>;
}

/** The API as a process; without servers around it unless the variables name them. */
function run(env: Record<string, string>): Run {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    cwd: home,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      DSX_HOME: join(home, 'state'),
      API_PORT: '0',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      LOG_LEVEL: 'silent',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ends = [child.stdout, child.stderr].map(
    (stream) => new Promise<void>((resolve) => stream?.once('end', resolve)),
  );
  const gone = Promise.all([exit, ...ends]).then(([code]) => ({ code: code as number | null, output }));
  const ready = new Promise<string>((resolve, reject) => {
    child.once('message', (message) => {
      const { type, address } = message as { type?: string; address?: string };
      if (type === 'ready' && address !== undefined) resolve(address);
    });
    void gone.then(({ code }) => reject(new Error(`it ended with ${code}: ${output}`)));
  });
  ready.catch(() => undefined);
  return { child, ready, gone };
}

test('starts with nothing around it, says what is missing, and ends when told', async () => {
  const { child, ready, gone } = run({ REDIS_URL: 'redis://127.0.0.1:1', DSXA_STANDIN_URL: 'http://127.0.0.1:1' });
  const client = createApiClient({ origin: await ready });
  const { ready: isReady, checks } = await client.readyz();
  expect(isReady).toBe(false);
  expect(Object.fromEntries(checks.map(({ name, state }) => [name, state]))).toEqual({
    temporal: 'problem',
    workers: 'problem',
    fairness: 'off',
    redis: 'problem',
    ledger: 'ok',
    scanner: 'problem',
  });
  await expect(client.startJob({ folder: home, scanner: 'dsxa' })).rejects.toMatchObject({ code: 'scanner_not_named' });
  await expect(client.startJob({ folder: home, scanner: 'standin' })).rejects.toMatchObject({
    code: 'temporal_unreachable',
    status: 503,
  });
  expect((await client.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
  child.kill('SIGTERM');
  expect((await gone).code).toBe(0);
});

test('ends when its supervisor has gone', async () => {
  const { child, ready, gone } = run({});
  await ready;
  child.disconnect();
  expect((await gone).code).toBe(0);
});

test('a port in use: one line that names it, exit 1', async () => {
  const taken: Server = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  try {
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, output } = await run({ API_PORT: String(port) }).gone;
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toContain(`Port ${port}`);
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});

test('every address without a key: refused; with one it serves, and shows it nowhere', async () => {
  const refused = await run({ API_HOST: '0.0.0.0' }).gone;
  expect(refused.code).not.toBe(0);
  expect(refused.output).toContain('DSXCONNECT_API_KEY_FILE');
  const keyFile = join(home, 'key');
  await writeFile(keyFile, 'canary-0123456789abcdef\n', { mode: 0o600 });
  const { child, ready, gone } = run({ API_HOST: '0.0.0.0', DSXCONNECT_API_KEY_FILE: keyFile, LOG_LEVEL: 'trace' });
  const origin = (await ready).replace('0.0.0.0', '127.0.0.1');
  await expect(createApiClient({ origin }).version()).rejects.toMatchObject({ status: 401 });
  expect((await createApiClient({ origin, key: 'canary-0123456789abcdef' }).version()).name).toBe('dsx-connect');
  child.kill('SIGTERM');
  const { output } = await gone;
  expect(output).toContain('listens');
  expect(output).not.toContain('canary');
});
