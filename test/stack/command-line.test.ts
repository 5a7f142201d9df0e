import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { COMMANDS } from '../../cli/command-table.ts';
import { loadDotEnv } from '../../cli/dot-env.ts';
import { dsxHome } from '../../cli/home.ts';
import { dsx } from './support.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'dsx-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const home = path.join(folder, 'home');

test('the overview names every command, and each of them explains itself', async () => {
  const overview = await dsx(home, []);
  expect(overview.code).toBe(0);
  for (const { name, summary } of COMMANDS)
    expect(overview.stdout.replace(/\s+/g, ' ')).toContain(`${name} ${summary}`);
  expect((await dsx(home, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const helps = await Promise.all(COMMANDS.map(({ name }) => dsx(home, ['help', name])));
  for (const [index, help] of helps.entries()) {
    expect(help.stdout).toContain(`Usage: dsx ${COMMANDS[index]?.name}`);
    expect(help.code).toBe(0);
  }
});

test('what is misspelt is a usage error with a hint', async () => {
  const command = await dsx(home, ['stauts']);
  expect(command.stderr).toContain('status');
  expect(command.code).toBe(2);
  const option = await dsx(home, ['status', '--jsno']);
  expect(option.stderr).toContain('--json');
  expect(option.code).toBe(2);
  const suite = await dsx(home, ['test', 'stak']);
  expect(suite.stderr).toContain('stack');
  expect(suite.code).toBe(2);
  expect((await dsx(home, ['bench', 'nothing'])).code).toBe(2);
});

test('.env is parsed, never run, and what is set already wins', () => {
  const [first, second] = [path.join(folder, 'first'), path.join(folder, 'second')];
  for (const made of [first, second]) mkdirSync(made);
  writeFileSync(path.join(first, '.env'), 'A=from file\nB="$(touch /tmp/never) #1"\nEMPTY=\n# C=3\nexport D=4\n');
  writeFileSync(path.join(second, '.env'), 'B=second\nE=5\n');
  const env: Record<string, string | undefined> = { A: 'set', EMPTY: undefined };
  loadDotEnv([first, second, path.join(folder, 'missing')], env);
  expect(env).toEqual({ A: 'set', B: '$(touch /tmp/never) #1', EMPTY: '', D: '4', E: '5' });
});

test('the home is DSX_HOME, else a folder of the user', () => {
  expect(dsxHome({ DSX_HOME: '/srv/dsx', XDG_STATE_HOME: '/x', HOME: '/users/a' })).toBe('/srv/dsx');
  expect(dsxHome({ DSX_HOME: '', XDG_STATE_HOME: '/x', HOME: '/users/a' })).toBe('/x/dsx-connect');
  expect(dsxHome({ XDG_STATE_HOME: 'x', HOME: '/users/a' })).toBe('/users/a/.local/state/dsx-connect');
});
