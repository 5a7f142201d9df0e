import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FLAGS = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
const LOCK = 'package-lock.json';

/**
 * Installs what the lock file in `pins` names into `folder`, by `npm ci`, unless it is there. A folder is complete when its stamp, a
 * copy of the lock file, is in place: it is made beside and renamed, so that nobody meets half of it.
 * @throws Error naming what npm said
 */
export async function installLocked(pins: string, folder: string): Promise<void> {
  if (isComplete(pins, folder)) return;
  const name = `${folder}.${randomUUID()}`;
  const fresh = `${name}.new`;
  const old = `${name}.old`;
  mkdirSync(fresh, { recursive: true });
  try {
    for (const file of ['package.json', LOCK]) copyFileSync(path.join(pins, file), path.join(fresh, file));
    await run('npm', ['ci', ...FLAGS], { cwd: fresh });
    copyFileSync(path.join(pins, LOCK), path.join(fresh, 'stamp'));
    // Another run may have put its own in place meanwhile, and be using it.
    if (isComplete(pins, folder)) return;
    setAside(folder, old);
    renameSync(fresh, folder);
  } catch (error) {
    if (!isComplete(pins, folder)) throw error;
  } finally {
    for (const one of [fresh, old]) rmSync(one, { recursive: true, force: true });
  }
}

function isComplete(pins: string, folder: string): boolean {
  try {
    return readFileSync(path.join(folder, 'stamp'), 'utf8') === readFileSync(path.join(pins, LOCK), 'utf8');
  } catch {
    return false;
  }
}

function setAside(folder: string, old: string): void {
  try {
    renameSync(folder, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
