import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stacks } from '../../cli/stack/stacks.ts';
import { systemCode } from '../../domain/errors.ts';
import { writeMany } from '../support/files.ts';
import { Dsxa } from './dsxa.ts';
import { byLocation, Command, dsx, eventsOf, summaryOf, tempFolder, until } from './support.ts';

const FILES = 800;
const base = tempFolder('disk-full');
const home = path.join(base.path, 'home');
const disk = path.join(base.path, 'disk');
let scanner: Dsxa | undefined;

afterAll(async () => {
  Command.endAll();
  await stacks.stop(home);
  await scanner?.stop();
  execFileSync('umount', [disk]);
  base.remove();
});

/** Takes all the room that a disk has left. */
function fill(file: string): void {
  for (const size of [2 ** 20, 2 ** 12, 1]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if (systemCode(error) !== 'ENOSPC') throw error;
    }
  }
}

test('a full disk under the ledger holds the scan with that reason, which goes on when there is room, and loses nothing', async () => {
  mkdirSync(disk);
  // A disk of its own, which needs root: see `dsx test --all`.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', disk]);
  const folder = path.join(base.path, 'data');
  writeMany(folder, FILES);
  scanner = await Dsxa.start();
  scanner.latencyMs = 20;
  const { url } = scanner;
  const env = {
    DSX_HOME: home,
    DSX_LEDGER: path.join(disk, 'ledger'),
    DSXA_SCANNER_URL: url,
    DSXCONNECT_PAGE_ITEMS: '100',
  };
  const command = new Command(['scan', folder, '--json'], { env });
  const job = await command.job();
  await until(() => (scanner?.scans ?? 0) > 150);
  const filler = path.join(disk, 'filler');
  fill(filler);
  const held = await command.until((event) => event.state === 'held', 60_000);
  expect(JSON.stringify(held.idle)).toContain('no_space');
  expect(JSON.stringify(held.idle)).toContain(disk);
  const listed = eventsOf((await dsx(['jobs', '--json'], { env })).stdout).find((one) => one.job === job);
  expect(listed?.state).toBe('held');
  rmSync(filler);
  const ran = await command.ended;
  const summary = summaryOf(ran);
  expect(summary).toMatchObject({ listed: FILES, outcomes: { clean: FILES }, state: 'completed' });
  expect(ran.code).toBe(0);
  const shown = await dsx(['ledger', 'show', job, '--json', '--limit', 'all'], { env });
  expect(byLocation(eventsOf(shown.stdout) as never).size).toBe(FILES);
  expect((await dsx(['ledger', 'verify', job, '--root', summary.root ?? ''], { env })).code).toBe(0);
}, 120_000);

test('a ledger that has no room from the start: exit 5, saying so', async () => {
  const filler = path.join(disk, 'filler');
  fill(filler);
  const env = {
    DSX_HOME: path.join(base.path, 'other'),
    DSX_LEDGER: path.join(disk, 'another'),
    DSXA_SCANNER_URL: scanner?.url,
  };
  const ran = await dsx(['scan', path.join(base.path, 'data'), '--json'], { env });
  rmSync(filler);
  expect(ran.code).toBe(5);
  expect(ran.stderr).toMatch(/no (space|room)|full/i);
  expect(await stacks.find(env.DSX_HOME)).toBeUndefined();
}, 60_000);
