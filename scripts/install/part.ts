import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { installPinned } from './pip.ts';

const ROOT = path.join(import.meta.dirname, '../..');

/**
 * The folder `.parts/<name>` with what `scripts/install/<name>.txt` pins by hash, installed unless it is there whole.
 * @throws Error naming what pip said
 */
export async function installPart(name: string): Promise<string> {
  const folder = path.join(ROOT, '.parts', name);
  const pins = path.join(ROOT, 'scripts/install', `${name}.txt`);
  if (isComplete(folder, pins)) return folder;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(path.dirname(fresh), { recursive: true });
  try {
    await installPinned(pins, fresh);
    copyFileSync(pins, path.join(fresh, 'stamp'));
    // Another run may have put its own in place meanwhile, and be using it.
    if (!isComplete(folder, pins)) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
    }
  } catch (error) {
    if (!isComplete(folder, pins)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

function isComplete(folder: string, pins: string): boolean {
  try {
    return readFileSync(path.join(folder, 'stamp'), 'utf8') === readFileSync(pins, 'utf8');
  } catch {
    return false;
  }
}
