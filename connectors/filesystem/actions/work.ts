import type { BigIntStats } from 'node:fs';
import type { ActionCode, ActionIntent } from '../../../domain/action.ts';
import { systemCode } from '../../../domain/errors.ts';
import { findingHash, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../../errors.ts';
import { failure } from '../failures.ts';
import { insideOf } from '../folder.ts';
import { folderOf, joined, nameOf, type Raw } from '../names.ts';
import { absolute, type FilesystemSettings, openFolder, type Place } from '../place.ts';

/** What is under way with one item. */
export interface Work {
  readonly settings: FilesystemSettings;
  readonly place: Place;
  readonly finding: string;
  readonly location: Raw;
  readonly signal: AbortSignal;
}

export interface ActionWork extends Work {
  readonly intent: ActionIntent;
}

/** Announces a step that changes the storage. */
export async function step(work: Work, name: string): Promise<void> {
  await work.settings.beforeStep?.(name);
}

/** The folder of an item, held open, so that all that follows happens in it whatever becomes of the path. */
export interface ItemFolder {
  readonly fd: number;
  /** The way to the folder through the descriptor. */
  readonly inside: Raw;
  /** Absolute path of the folder, for notes. */
  readonly path: Raw;
  /** The item under its own name, and under the private one that it has while it is being judged once more. */
  readonly item: Raw;
  readonly aside: Raw;
  readonly asideName: Raw;
}

/** @throws ConnectorError */
export async function openItemFolder(work: Work): Promise<ItemFolder> {
  const path = folderOf(absolute(work.place, work.location));
  let fd: number;
  try {
    fd = await openFolder(path, work.location);
  } catch (error) {
    throw failure(error, 'opening the folder of', work.location);
  }
  const inside = insideOf(fd, path);
  const asideName = `.dsx-${findingHash(work.finding)}.moving`;
  return { fd, inside, path, item: joined(inside, nameOf(work.location)), aside: joined(inside, asideName), asideName };
}

const ACTION_CODES: Readonly<Record<string, ActionCode>> = {
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
};

/**
 * The report that an error stands for.
 * @throws what no storage answered: an abort, and whatever holds the whole connector
 */
export function reportOf(error: unknown, work: Work): ActionReport {
  if (error instanceof Stop) return error.report;
  work.signal.throwIfAborted();
  const code = systemCode(error);
  const cause = failure(error, 'acting on', work.location);
  if (CONNECTOR_CODES[cause.code] === 'hold') throw cause;
  const named = error instanceof ConnectorError ? systemCode(error.cause) : code;
  if (named !== undefined && ACTION_CODES[named]) {
    return { state: 'failed', code: ACTION_CODES[named], note: cause.message };
  }
  if (error instanceof ConnectorError && error.code === 'not_found') {
    return { state: 'failed', code: 'not_found', note: error.message };
  }
  if (error instanceof ConnectorError && (error.code === 'not_an_item' || error.code === 'changed')) {
    return { state: 'refused', code: 'version_changed', note: error.message };
  }
  return { state: 'failed', code: 'storage_error', note: cause.message };
}

export function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}
