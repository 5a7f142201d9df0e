import type { BigIntStats } from 'node:fs';
import { systemCode } from '../../domain/errors.ts';
import { ConnectorError } from '../errors.ts';
import { closeFd, fstat, lstat, openFd, pathOfFd, READ_FILE, READ_FOLDER, realpath } from './calls.ts';
import { isLocal } from './descriptor.ts';
import { failure } from './failures.ts';
import { folderOf, isBelow, joined, nameOf, pathOf, type Raw, rawOf, readable } from './names.ts';
import { Pace } from './pace.ts';

/** How the files below a folder are watched. */
export interface FileWatch {
  /** Seconds that a file must stand still for before it is given. Default 2. */
  readonly settle?: number;
  /** Seconds from one walk over the whole asset to the next. Absent: the system tells, but for network file systems, which are walked every 60 s. */
  readonly poll?: number;
}

export interface FilesystemSettings {
  readonly id: string;
  /** Absolute path of a folder or of one file. */
  readonly asset: string;
  /** Absolute folder that moved items go to. Never listed. */
  readonly quarantine?: string;
  /** Absolute folders of our own state, never listed. */
  readonly exclude?: readonly string[];
  /** How the asset is watched; what is absent is as usual. */
  readonly watch?: FileWatch;
  /** For tests: awaited before every step of an action that changes the storage. */
  readonly beforeStep?: (step: string) => Promise<void>;
}

/** Where the asset is now. */
export interface Place {
  /** Real path of the folder that locations are relative to. */
  readonly root: Raw;
  /** The one location there is, when the asset is a single file. */
  readonly only?: Raw;
  /** Facts of the asset itself. */
  readonly facts: BigIntStats;
  /** Whether the asset's own device is known to be a local one. */
  readonly local: boolean;
  readonly pace: Pace;
  /** Real paths of the folders below the asset that hold no items: quarantine and our own state. */
  readonly hidden: readonly Raw[];
}

/**
 * Finds the asset.
 * @throws ConnectorError `unreachable` when it is not there, `configuration` when it is neither a folder nor a regular file.
 */
export async function findPlace(settings: FilesystemSettings): Promise<Place> {
  const asset = rawOf(settings.asset);
  if (!asset.startsWith('/')) {
    throw new ConnectorError(
      'configuration',
      `connector ${settings.id}: asset ${settings.asset} must be an absolute path`,
    );
  }
  let real: Raw;
  let facts: BigIntStats;
  try {
    real = await realpath(asset);
    facts = await lstat(real);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new ConnectorError(
        'unreachable',
        `connector ${settings.id}: ${settings.asset} is not there; mount it, or correct the asset`,
        { cause: error },
      );
    }
    throw failure(error, 'finding the asset', asset);
  }
  const local = await isLocal(pathOf(real));
  if (facts.isDirectory())
    return { root: real, facts, local, pace: new Pace(), hidden: await hiddenFolders(settings, real) };
  if (facts.isFile()) return { root: folderOf(real), only: nameOf(real), facts, local, pace: new Pace(), hidden: [] };
  throw new ConnectorError(
    'configuration',
    `connector ${settings.id}: ${settings.asset} is neither a folder nor a regular file; correct the asset`,
  );
}

/**
 * As `findPlace`, and proves that a folder can be listed and entered: where that is refused, nothing of the asset can be read.
 * @throws ConnectorError also `configuration` when permission is missing
 */
export async function findReadable(settings: FilesystemSettings): Promise<Place> {
  try {
    const place = await findPlace(settings);
    if (place.only !== undefined) return place;
    const fd = await openFd(place.root, READ_FOLDER);
    closeFd(fd);
    await lstat(joined(place.root, '.'));
    return place;
  } catch (error) {
    throw rootFailure(error, rawOf(settings.asset));
  }
}

/** The asset itself can't be read: nothing of it can, until somebody mends that. */
export function rootFailure(error: unknown, root: Raw): ConnectorError {
  const cause = failure(error, 'reading the asset', root);
  if (cause.code === 'not_found') return new ConnectorError('unreachable', cause.message, { cause });
  if (cause.code !== 'permission_denied') return cause;
  return new ConnectorError('configuration', `${cause.message}; grant the process read permission`, { cause });
}

/** Absolute raw path of a location. */
export function absolute(place: Place, location: Raw): Raw {
  return joined(place.root, location);
}

/** True for a location in quarantine or in a folder of our own state. */
export function isHidden(place: Place, location: Raw): boolean {
  if (place.hidden.length === 0) return false;
  const path = absolute(place, location.endsWith('/') ? location.slice(0, -1) : location);
  return place.hidden.some((folder) => isBelow(path, folder));
}

/** Each as written and with links resolved. @throws ConnectorError `configuration` when one of them holds the whole asset. */
async function hiddenFolders(settings: FilesystemSettings, root: Raw): Promise<readonly Raw[]> {
  const written = [...(settings.quarantine === undefined ? [] : [settings.quarantine]), ...(settings.exclude ?? [])];
  const hidden = new Set<Raw>();
  for (const path of written) {
    const raw = rawOf(path).replace(/\/+$/, '') || '/';
    for (const form of [raw, await realish(raw)]) {
      if (isBelow(root, form)) {
        throw new ConnectorError(
          'configuration',
          `connector ${settings.id}: ${path} is never listed, but it holds the asset ${readable(root)}; choose another folder`,
        );
      }
      if (isBelow(form, root)) hidden.add(form);
    }
  }
  return [...hidden];
}

/** The real path; of a path whose end does not exist yet, the real path of what does, and the rest as it is. */
export async function realish(path: Raw): Promise<Raw> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || path === '/') return path;
    return joined(await realish(folderOf(path)), nameOf(path));
  }
}

/**
 * A descriptor for the folder at exactly this path, no part of which is a link.
 * @throws the system error, or what `proveAt` throws
 */
export async function openFolder(path: Raw, location: Raw): Promise<number> {
  const fd = await openFd(path, READ_FOLDER).catch(async (error: unknown) => {
    // A link in the place of a folder is answered like a file in its place.
    const link = systemCode(error) === 'ENOTDIR' && (await lstat(path).catch(() => undefined))?.isSymbolicLink();
    if (!link) throw error;
    throw new ConnectorError('not_an_item', `${JSON.stringify(readable(location))} is reached through a link`);
  });
  try {
    await proveAt(fd, path, location);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** A descriptor for the file at this path, links in its last part refused. The caller proves the rest (see `isAt`). */
export function openFile(path: Raw): Promise<number> {
  return openFd(path, READ_FILE);
}

/**
 * Proves that the open descriptor is what lies at exactly this path, reached through no link. Where the kernel does not name
 * descriptors the path is looked up again: a link put there and taken away between two calls then goes unseen.
 * @throws ConnectorError `not_found` when it was taken away meanwhile, `changed` when it was replaced, `not_an_item` when a
 * link is on the way.
 */
export async function proveAt(fd: number, path: Raw, location: Raw): Promise<void> {
  if ((await pathOfFd(fd)) === path) return;
  const [real, there, held] = await Promise.all([realpath(path), lstat(path), fstat(fd)]).catch((error: unknown) => {
    throw failure(error, 'opening', location);
  });
  if (real !== path) {
    throw new ConnectorError('not_an_item', `${JSON.stringify(readable(location))} is reached through a link`);
  }
  if (there.ino !== held.ino || there.dev !== held.dev) {
    throw new ConnectorError('changed', `${JSON.stringify(readable(location))} was replaced while it was opened`);
  }
}
