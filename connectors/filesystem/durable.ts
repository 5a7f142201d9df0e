import type { BigIntStats } from 'node:fs';
import fs from 'node:fs/promises';
import { systemCode } from '../../domain/errors.ts';
import { lstat } from './calls.ts';
import { folderOf, pathOf, type Raw } from './names.ts';

/** What a system answers that has no hard links, or allows none here. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

export function hasNoLinks(error: unknown): boolean {
  const code = systemCode(error);
  return code !== undefined && NO_LINKS.has(code);
}

/** Facts of what lies at a path, undefined when nothing does. @throws any other system error */
export async function factsAt(path: Raw): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function link(from: Raw, to: Raw): Promise<void> {
  await fs.link(pathOf(from), pathOf(to));
}

export async function rename(from: Raw, to: Raw): Promise<void> {
  await fs.rename(pathOf(from), pathOf(to));
}

/** Removes a name. Nothing there is fine. */
export async function unlink(path: Raw): Promise<void> {
  try {
    await fs.unlink(pathOf(path));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Gives a file another name without overwriting: `EEXIST` when it is taken. Where there are no links the name is looked up
 * first; a file that comes between is then the one race that remains.
 */
export async function renameNew(from: Raw, to: Raw): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasNoLinks(error)) throw error;
    if ((await factsAt(to)) !== undefined) throw Object.assign(new Error('the name is taken'), { code: 'EEXIST' });
    return rename(from, to);
  }
  return unlink(from);
}

/** Makes the names in a folder durable, as far as the system can do that for a folder. */
export async function syncFolder(path: Raw): Promise<void> {
  try {
    const handle = await fs.open(pathOf(path), 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some network file systems refuse it; then they order their own names.
  }
}

/** Writes a new file whole and durably, by way of the name `part`, or not at all. False when the name is taken. @throws the system error */
export async function writeNew(path: Raw, bytes: Uint8Array, mode: number, part = `${path}.part`): Promise<boolean> {
  try {
    await writePart(part, bytes, mode);
    await renameNew(part, path);
  } catch (error) {
    await unlink(part).catch(() => {});
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(folderOf(path));
  return true;
}

/** Replaces a file of our own, whole and durably, by way of the name `part`. @throws the system error */
export async function writeOver(path: Raw, bytes: Uint8Array, mode: number, part = `${path}.part`): Promise<void> {
  try {
    await writePart(part, bytes, mode);
    await rename(part, path);
  } catch (error) {
    await unlink(part).catch(() => {});
    throw error;
  }
  await syncFolder(folderOf(path));
}

async function writePart(part: Raw, bytes: Uint8Array, mode: number): Promise<void> {
  await unlink(part);
  const handle = await fs.open(pathOf(part), 'wx', mode);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
