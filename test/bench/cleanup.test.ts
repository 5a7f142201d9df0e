import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const home = mkdtempSync(path.join(tmpdir(), 'dsx-cleanup-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const CLEANUP = JSON.stringify(path.resolve('bench/lib/cleanup.ts'));
/** Two things to clear away, the inner one slowly; the work in it fails as soon as its clearing begins. */
const SCRIPT = `
  import { rmSync, writeFileSync } from 'node:fs';
  import { setTimeout as pause } from 'node:timers/promises';
  import { cleanly } from ${CLEANUP};
  setInterval(() => undefined, 1_000);
  const made = (name) => { writeFileSync(name, ''); return name; };
  const outer = made('outer');
  await cleanly(() => rmSync(outer), async () => {
    const inner = made('inner');
    let fail;
    const broken = new Promise((_, reject) => { fail = reject; });
    const clear = async () => { fail(new Error('cut off')); await pause(200); rmSync(inner); };
    await cleanly(clear, () => { process.send('working'); return broken; });
  });
`;

it('an interrupted benchmark clears everything away, the innermost first, before it ends', async () => {
  const script = path.join(home, 'script.mts');
  writeFileSync(script, SCRIPT);
  const child = spawn(process.execPath, [script], { cwd: home, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => {
    errors += data;
  });
  await new Promise((resolve) => child.once('message', resolve));
  expect(existsSync(path.join(home, 'outer')) && existsSync(path.join(home, 'inner'))).toBe(true);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(errors.trim()).toBe('interrupted: clearing away …');
  expect(existsSync(path.join(home, 'outer')) || existsSync(path.join(home, 'inner'))).toBe(false);
});
