import type { BigIntStats } from 'node:fs';
import { mkdir, opendir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import { fromSystemError, isLedgerError, LedgerError } from '../errors.ts';
import { checkName, checkPrefix, type ObjectStore, type StoredObject } from '../store.ts';
import { syncFolder, TEMPORARY, writeOnce } from './write-once.ts';

/**
 * The store as a folder of the local file system. The folder itself must be there: it is never made here, so that a mount that
 * went missing is noticed instead of being written over.
 * @throws LedgerError `not_found`, `not_readable`, `invalid` (not a folder)
 */
export async function openDirectoryStore(folder: string): Promise<ObjectStore> {
  const root = resolve(folder);
  const identity = await identify(root);
  /** Folders known to be there and to be durable. */
  const made = new Set<string>([root]);

  const ensure = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    const now = await identify(root).catch((cause: unknown) => {
      throw gone(root, cause);
    });
    if (now.dev !== identity.dev || now.ino !== identity.ino) throw gone(root, undefined);
    const parent = dirname(path);
    if (parent !== path && path !== root) await ensure(parent);
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    await syncFolder(parent);
    made.add(path);
  };

  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    checkName(name);
    const path = join(root, name);
    const parent = dirname(path);
    try {
      await ensure(parent);
      try {
        await writeOnce(parent, path, bytes);
      } catch (error) {
        // The folder was removed behind our back (a job's ledger deleted by hand): make it again, once.
        if (systemCode(error) !== 'ENOENT') throw error;
        for (const known of made) if (known !== root) made.delete(known);
        await ensure(parent);
        await writeOnce(parent, path, bytes);
      }
    } catch (error) {
      throw fromSystemError(error, 'write', path);
    }
  };

  return {
    place: root,
    put,
    async get(name) {
      checkName(name);
      const path = join(root, name);
      try {
        return await readFile(path);
      } catch (error) {
        throw fromSystemError(error, 'read', path);
      }
    },
    async *list(prefix) {
      checkPrefix(prefix);
      yield* walk(root, prefix);
    },
    async *folders(prefix) {
      checkPrefix(prefix);
      const path = join(root, prefix);
      for (const entry of await entries(path)) {
        if (entry.folder && !entry.name.startsWith('.')) yield entry.name;
      }
    },
    async delete(name) {
      checkName(name);
      const path = join(root, name);
      try {
        await unlink(path);
      } catch (error) {
        const code = systemCode(error);
        if (code !== 'ENOENT' && code !== 'ENOTDIR') throw fromSystemError(error, 'delete', path);
      }
    },
    async removeUnfinished(prefix, beforeMs) {
      checkPrefix(prefix);
      return removeTemporary(join(root, prefix), beforeMs);
    },
  };
}

async function identify(root: string): Promise<BigIntStats> {
  let found: BigIntStats;
  try {
    found = await stat(root, { bigint: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new LedgerError('not_found', root, `There is no ledger at ${root}. Check the path.`, { cause: error });
    }
    throw fromSystemError(error, 'read', root);
  }
  if (!found.isDirectory()) {
    throw new LedgerError('invalid', root, `The ledger must be a folder, and ${root} is none. Configure another path.`);
  }
  return found;
}

function gone(root: string, cause: unknown): LedgerError {
  return new LedgerError(
    'not_there',
    root,
    `The ledger's folder ${root} is no longer the one that was opened: removed, or its mount is missing. Bring it back.`,
    { cause },
  );
}

interface Entry {
  readonly name: string;
  readonly folder: boolean;
  readonly file: boolean;
}

/** A folder's entries; none when there is no such folder. */
async function entries(path: string): Promise<Entry[]> {
  const found: Entry[] = [];
  try {
    for await (const entry of await opendir(path)) {
      found.push({ name: entry.name, folder: entry.isDirectory(), file: entry.isFile() });
    }
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw fromSystemError(error, 'list', path);
  }
  return found;
}

async function statFile(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, 'list', path);
  }
}

async function* walk(root: string, prefix: string): AsyncGenerator<StoredObject> {
  for (const entry of await entries(join(root, prefix))) {
    if (entry.name.startsWith(TEMPORARY)) continue;
    const name = `${prefix}${entry.name}`;
    if (entry.folder) {
      yield* walk(root, `${name}/`);
    } else if (entry.file) {
      const found = await statFile(join(root, name));
      if (found !== undefined) yield { name, size: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

async function removeTemporary(folder: string, beforeMs: number): Promise<number> {
  let removed = 0;
  for (const entry of await entries(folder)) {
    const path = join(folder, entry.name);
    if (entry.folder) removed += await removeTemporary(path, beforeMs);
    if (!entry.file || !entry.name.startsWith(TEMPORARY)) continue;
    const found = await statFile(path);
    if (found === undefined || found.mtimeMs >= beforeMs) continue;
    try {
      await unlink(path);
      removed += 1;
    } catch (error) {
      const failure = fromSystemError(error, 'delete', path);
      if (!isLedgerError(failure, 'not_found')) throw failure;
    }
  }
  return removed;
}
