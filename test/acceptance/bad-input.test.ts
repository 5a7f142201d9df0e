import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stacks } from '../../cli/stack/stacks.ts';
import { closedPort, mute } from '../stack/support.ts';
import { writeFiles } from '../support/files.ts';
import { Command, dsx, summaryOf, tempFolder } from './support.ts';

const base = tempFolder('bad-input');
const folder = path.join(base.path, 'data');
const home = path.join(base.path, 'home');

beforeAll(() => writeFiles(folder, { 'a.txt': 'harmless' }));
afterAll(async () => {
  Command.endAll();
  await stacks.stop(home);
  base.remove();
});

const scan = (args: readonly string[], env: Record<string, string> = {}) =>
  dsx(['scan', ...args], { env: { DSX_HOME: home, HOME: base.path, ...env } });

describe('before anything is started', () => {
  test('no scanner named: exit 2, naming the three ways', async () => {
    const { code, stderr, stdout } = await scan([folder]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('DSXA_SCANNER_URL');
    expect(stderr).toContain('dsx-connect.yaml');
    expect(stderr).toContain('--scanner standin');
  });

  test.each(['prod', 'stag'])('a stand-in with APP_ENV=%s: exit 2', async (appEnv) => {
    const { code, stderr } = await scan([folder, '--scanner', 'standin'], { APP_ENV: appEnv });
    expect(code).toBe(2);
    expect(stderr).toContain('stand-in');
    expect(stderr).toContain(appEnv);
  });

  test('a missing folder: exit 2, naming it', async () => {
    const { code, stderr } = await scan([`${folder}-not`, '--scanner', 'standin']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${folder}-not`);
  });

  test('a filter that does not parse: exit 2, with the place', async () => {
    const { code, stderr } = await scan([folder, '--scanner', 'standin', '--filter', 'reports "fin']);
    expect(code).toBe(2);
    const lines = stderr.split('\n');
    const at = lines.findIndex((line) => line.includes('reports "fin') && !line.includes('--filter'));
    const quoted = lines[at] ?? '';
    expect(lines[at + 1]?.indexOf('^')).toBe(quoted.indexOf('"'));
  });

  test('a filter file that does not parse: exit 2, with file and line', async () => {
    const file = path.join(base.path, 'wanted.txt');
    writeFileSync(file, '# a remark\n*.docx\nreports "fin\n');
    const { code, stderr } = await scan([folder, '--scanner', 'standin', '--filter-from', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(file);
    expect(stderr).toContain('line 3');
  });

  test.each([
    ['an unknown option', ['--acton', 'move'], '--acton'],
    ['an unknown action', ['--action', 'mvoe'], 'mvoe'],
    ['a quarantine that is the folder', ['--action', 'move', '--quarantine', folder], folder],
    ['an unknown scanner', ['--scanner', 'other'], 'other'],
    ['a size that is none', ['--max-size', 'big'], '--max-size'],
  ])('%s: exit 2, naming it', async (_, args, named) => {
    const { code, stderr } = await scan([folder, '--scanner', 'standin', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(named);
  });

  test('a configuration with an error: exit 2, with file, line and field', async () => {
    const file = path.join(base.path, 'wrong.yaml');
    writeFileSync(file, 'connectors:\n  - id: finance\n    kind: filesystem\n    asset: relative/path\n');
    const { code, stderr } = await scan([folder, '--scanner', 'standin'], { DSX_CONFIG: file });
    expect(code).toBe(2);
    expect(stderr).toContain(`${file}:4`);
    expect(stderr).toContain('asset');
  });

  test.each([['jobs'], ['status']])('%s where nothing ever ran says so', async (command) => {
    const { code, stdout, stderr } = await dsx([command], { env: { DSX_HOME: path.join(base.path, 'never') } });
    expect([0, 5]).toContain(code);
    expect(stdout + stderr).not.toBe('');
  });

  test('an unknown job: exit 2', async () => {
    for (const args of [
      ['ledger', 'show', 'job-none'],
      ['ledger', 'verify', 'job-none'],
      ['watch', 'job-none'],
    ]) {
      expect(await dsx(args, { env: { DSX_HOME: home } })).toMatchObject({ code: 2 });
    }
  });
});

describe('servers that are not there', () => {
  test('Temporal: exit 5, naming variable, address and remedy, and nothing runs', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    const { code, stderr } = await scan([folder, '--scanner', 'standin'], { TEMPORAL_ADDRESS: address });
    expect(code).toBe(5);
    expect(stderr).toContain('TEMPORAL_ADDRESS');
    expect(stderr).toContain(address);
    expect(await stacks.find(home)).toBeUndefined();
  });

  test('Redis: exit 5, naming variable and address, and nothing runs', async () => {
    const address = `127.0.0.1:${await closedPort()}`;
    const { code, stderr } = await scan([folder, '--scanner', 'standin'], { REDIS_URL: `redis://:secret@${address}` });
    expect(code).toBe(5);
    expect(stderr).toContain('REDIS_URL');
    expect(stderr).toContain(address);
    expect(stderr).not.toContain('secret');
    expect(await stacks.find(home)).toBeUndefined();
  });

  test('a port in use: `up` is refused, naming the port and API_PORT, and nothing is left', async () => {
    const taken = await mute();
    const env = { DSX_HOME: home, API_PORT: String(taken.port) };
    const { code, stderr } = await dsx(['up'], { env });
    await taken.close();
    expect(code).toBe(5);
    expect(stderr).toContain(String(taken.port));
    expect(stderr).toContain('API_PORT');
    expect(await stacks.find(home)).toBeUndefined();
  });

  test('`up` on 0.0.0.0 without a key: refused, naming the variable', async () => {
    const { code, stderr } = await dsx(['up'], { env: { DSX_HOME: home, API_HOST: '0.0.0.0', API_PORT: '0' } });
    expect(code).toBe(2);
    expect(stderr).toContain('DSXCONNECT_API_KEY_FILE');
    expect(await stacks.find(home)).toBeUndefined();
  });
});

test('a folder that is empty is told as what it is', async () => {
  const nothing = path.join(base.path, 'nothing');
  mkdirSync(nothing);
  const ran = await scan([nothing, '--scanner', 'standin', '--json']);
  expect(summaryOf(ran)).toMatchObject({ listed: 0, state: 'completed' });
  expect(ran.code).toBe(0);
});
