import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import type { ItemAction } from '../../domain/action.ts';
import { messageOf, systemCode } from '../../domain/errors.ts';
import type { CheckReport } from '../connector.ts';
import { closeFd, lstat } from './calls.ts';
import { factsAt, unlink } from './durable.ts';
import { folderOf, isBelow, joined, pathOf, type Raw, rawOf, readable } from './names.ts';
import { absolute, type FilesystemSettings, findPlace, openFile, openFolder, type Place, realish } from './place.ts';

type Check = CheckReport['checks'][number];

/** Tries what a scan with this action needs. What it makes to try, it removes. */
export async function checkFilesystem(settings: FilesystemSettings, action: ItemAction): Promise<CheckReport> {
  const checks: Check[] = [];
  const attempt = async (name: string, body: () => Promise<string>): Promise<boolean> => {
    try {
      checks.push({ name, ok: true, detail: await body() });
      return true;
    } catch (error) {
      checks.push({ name, ok: false, detail: messageOf(error) });
      return false;
    }
  };
  let place: Place | undefined;
  await attempt('asset', async () => {
    place = await findPlace(settings);
    return `${settings.asset} is a ${place.only === undefined ? 'folder' : 'file'} on device ${place.facts.dev}`;
  });
  if (place) {
    const found = place;
    await attempt('read', () => canRead(found));
    if (action !== 'nothing') await attempt('change', () => canChange(found));
    if (action === 'move' || action === 'movetag') await attempt('quarantine', () => canQuarantine(settings, found));
  }
  return { ok: checks.every((check) => check.ok), checks };
}

async function canRead(place: Place): Promise<string> {
  if (place.only !== undefined) {
    closeFd(await openFile(absolute(place, place.only)));
    return 'the file can be read';
  }
  closeFd(await openFolder(place.root, ''));
  const folder = await fs.opendir(pathOf(place.root) as string);
  try {
    const first = await folder.read();
    return first === null ? 'the folder can be listed; it is empty' : 'the folder can be listed';
  } finally {
    await folder.close();
  }
}

/** Makes a file, gives it another name, and removes it. */
async function canChange(place: Place): Promise<string> {
  await tryFolder(place.root);
  return `names in ${readable(place.root)} can be changed; folders below may have other permissions`;
}

async function tryFolder(folder: Raw): Promise<void> {
  const probe = joined(folder, `.dsx-check-${randomUUID()}`);
  const renamed = `${probe}.renamed`;
  try {
    const handle = await fs.open(pathOf(probe), 'wx', 0o600);
    await handle.close();
    await fs.rename(pathOf(probe), pathOf(renamed));
  } catch (error) {
    throw new Error(
      `${readable(folder)} can't be written (${systemCode(error) ?? messageOf(error)}); grant write permission, or choose the action nothing`,
    );
  } finally {
    await unlink(probe).catch(() => {});
    await unlink(renamed).catch(() => {});
  }
}

async function canQuarantine(settings: FilesystemSettings, place: Place): Promise<string> {
  if (settings.quarantine === undefined)
    throw new Error('no quarantine folder is set; name one, or choose another action');
  const path = rawOf(settings.quarantine).replace(/\/+$/, '') || '/';
  const missing = (await factsAt(path)) === undefined;
  const made = await fs.mkdir(pathOf(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new Error(`the quarantine folder ${settings.quarantine} can't be made: ${messageOf(error)}`);
  });
  try {
    await tryFolder(await realish(path));
    const facts = await lstat(await realish(path));
    const where = isBelow(await realish(path), place.root) ? 'inside the asset, never listed' : 'outside the asset';
    const state = missing ? 'can be made' : 'is there';
    if (facts.dev === place.facts.dev)
      return `${settings.quarantine} ${state}, ${where}, on the same device: items are renamed`;
    const { bavail, bsize } = await fs.statfs(pathOf(path), { bigint: true });
    return `${settings.quarantine} ${state}, ${where}, on another device: items are copied; ${bavail * bsize} bytes are free`;
  } finally {
    if (made !== undefined) await removeEmpty(path, rawOf(made));
  }
}

/** Removes the folders from `path` up to `top`, as far as they are empty. */
async function removeEmpty(path: Raw, top: Raw): Promise<void> {
  for (let folder = path; isBelow(folder, top); folder = folderOf(folder)) {
    try {
      await fs.rmdir(pathOf(folder));
    } catch {
      return;
    }
  }
}
