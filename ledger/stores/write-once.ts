import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import { LedgerError } from '../errors.ts';

/** Files being written. A name of an object never begins with `.`. */
export const TEMPORARY = '.tmp-';

/** Temporary file, fsync, link without overwriting, fsync of the folder. @throws LedgerError `conflict`; system errors */
export async function writeOnce(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `${TEMPORARY}${randomBytes(9).toString('hex')}`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(bytes);
    await handle.datasync();
    await handle.close();
    handle = undefined;
    await publish(temporary, path, bytes);
    await syncFolder(folder);
  } finally {
    await handle?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
  }
}

/** Gives the finished file its name, unless the name is taken by other bytes. */
async function publish(temporary: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await link(temporary, path);
    return;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK')
      throw error;
  }
  let existing: Buffer;
  try {
    existing = await readFile(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    // A file system without hard links. Names carry a nonce or a hash of the content, so nobody else makes this one meanwhile.
    await rename(temporary, path);
    return;
  }
  if (!existing.equals(bytes)) {
    throw new LedgerError(
      'conflict',
      path,
      `${path} is written once, and other content lies there already. Nothing was changed; find out who writes to this ledger.`,
    );
  }
}

/** Makes names in a folder durable. File systems that can't sync a folder are taken as they are. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EISDIR' && code !== 'EPERM') throw error;
  } finally {
    await handle.close();
  }
}
