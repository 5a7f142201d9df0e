import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { stacks } from '../../cli/stack/stacks.ts';
import { writeMany } from '../support/files.ts';
import { startValkey } from '../support/valkey.ts';
import { Dsxa } from './dsxa.ts';
import { byLocation, Command, dsx, eventsOf, summaryOf, tempFolder, until } from './support.ts';

const FILES = 400;
const TOKEN = 'the-right-one';
const base = tempFolder('outages');
const home = path.join(base.path, 'home');
const folder = path.join(base.path, 'data');
let scanner: Dsxa;

beforeAll(async () => {
  writeMany(folder, FILES);
  scanner = await Dsxa.start();
});
beforeEach(() => {
  scanner.token = TOKEN;
  scanner.latencyMs = 20;
});
afterAll(async () => {
  Command.endAll();
  await stacks.stop(home);
  await scanner.stop();
  base.remove();
});

/** Variables that name the scanner and its token; each scan starts a stack for the occasion. */
const named = (token = TOKEN) => ({
  DSX_HOME: home,
  DSXA_SCANNER_URL: scanner.url,
  DSXA_AUTH_TOKEN: token,
  DSXCONNECT_PAGE_ITEMS: '100',
});

/** A scan that has judged a quarter of the folder. */
async function inTheMiddle(env: Record<string, string> = {}): Promise<Command> {
  const before = scanner.scans;
  const command = new Command(['scan', folder, '--json'], { env: { ...named(), ...env } });
  await command.job();
  await until(() => scanner.scans > before + FILES / 4);
  return command;
}

async function expectWhole(command: Command): Promise<void> {
  const ran = await command.ended;
  const { job, root, ...summary } = summaryOf(ran);
  expect(summary).toMatchObject({ listed: FILES, outcomes: { clean: FILES }, state: 'completed', standIn: false });
  expect(ran.code).toBe(0);
  const shown = await dsx(['ledger', 'show', job, '--json', '--limit', 'all'], { env: named() });
  expect(byLocation(eventsOf(shown.stdout) as never).size).toBe(FILES);
  expect((await dsx(['ledger', 'verify', job, '--root', root ?? ''], { env: named() })).code).toBe(0);
}

test('a scanner that refuses the token is told before the scan: exit 2, and the token is not shown', async () => {
  const { code, stderr } = await dsx(['scan', folder, '--json'], { env: named('a-wrong-one') });
  expect(code).toBe(2);
  expect(stderr).toMatch(/token/i);
  expect(stderr).not.toContain('a-wrong-one');
  expect(await stacks.find(home)).toBeUndefined();
});

test('a stand-in passed off as a real scanner is refused: exit 2', async () => {
  const standIn = new Command(['scanner', '--port', '0'], { env: { DSX_HOME: home } });
  const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(standIn.stdout + standIn.stderr)?.[0]);
  const { code, stderr } = await dsx(['scan', folder], { env: { ...named(), DSXA_SCANNER_URL: url } });
  standIn.child.kill('SIGTERM');
  await standIn.ended;
  expect(code).toBe(2);
  expect(stderr).toContain('stand-in');
});

test('a scanner that refuses the token in the middle holds the scan with that reason; mended, it goes on and loses nothing', async () => {
  const command = await inTheMiddle();
  scanner.token = 'another-one';
  const held = await command.until((event) => event.state === 'held', 60_000);
  expect(held.idle).toMatchObject({ why: 'held', reason: expect.stringContaining('scanner_auth') });
  scanner.token = TOKEN;
  await expectWhole(command);
}, 120_000);

test('a scanner that goes away holds the scan, which goes on when it is back', async () => {
  const command = await inTheMiddle();
  const port = Number(new URL(scanner.url).port);
  await scanner.stop();
  const held = await command.until((event) => event.state === 'held', 60_000);
  expect(held.idle).toMatchObject({ why: 'held', reason: expect.stringContaining('scanner_unreachable') });
  scanner = await Dsxa.start(port);
  scanner.token = TOKEN;
  await expectWhole(command);
}, 120_000);

test('Redis that goes away for good stops no scan', async () => {
  const redis = await startValkey();
  let command: Command;
  try {
    command = await inTheMiddle({ REDIS_URL: redis.url });
  } finally {
    await redis.stop('SIGKILL');
  }
  await expectWhole(command);
}, 60_000);
