import { ConnectorError } from '../errors.ts';
import type { GraphClient } from './client.ts';
import { type DriveItem, driveItemOf, isFolder, SELECTED } from './drive-item.ts';
import { folderNames, isWithin, itemAddress, namesOf, pathAddress } from './names.ts';

/** One drive as a connector binds to it: a library, or the drive of a user. */
export interface Drive {
  readonly id: string;
  /** For a person. */
  readonly name: string;
  /** What locations of this drive begin with: '' where there is but one drive, else `user/`. */
  readonly prefix: string;
  /** Names of the asset folder, from the root of the drive. */
  readonly folder: readonly string[];
  /** Names of the quarantine folder, from the root of the drive. */
  readonly quarantine: readonly string[];
}

/** Where a location lies: its drive, and the names from the drive's root. */
export interface Place {
  readonly drive: Drive;
  readonly names: readonly string[];
}

/** @throws ConnectorError `not_an_item` for what lies in no drive of ours, or in quarantine */
export function placeOf(drives: readonly Drive[], ref: Parameters<typeof namesOf>[0]): Place {
  const within = namesOf(ref);
  for (const drive of drives) {
    const head = folderNames(drive.prefix);
    if (within.length <= head.length || !isWithin(within, head)) continue;
    const names = [...drive.folder, ...within.slice(head.length)];
    if (!isWithin(names, drive.quarantine)) return { drive, names };
    throw new ConnectorError('not_an_item', `${JSON.stringify(ref.location)} lies in quarantine`);
  }
  throw new ConnectorError('not_an_item', `${JSON.stringify(ref.location)} lies in no drive of this connector`);
}

/** The location of what lies at these names, which are within the asset. */
export function locationOf(drive: Drive, names: readonly string[]): string {
  return drive.prefix + names.slice(drive.folder.length).join('/');
}

/** What is at these names, undefined for nothing. */
export async function itemAt(
  client: GraphClient,
  drive: Drive,
  names: readonly string[],
  signal: AbortSignal,
  $select = SELECTED,
): Promise<DriveItem | undefined> {
  const doing = `looking at ${JSON.stringify(names.join('/'))} in ${drive.name}`;
  const question = { path: pathAddress(drive.id, names), query: { $select }, doing, accept: [404] };
  const { status, body } = await client.ask(question, signal);
  return status === 404 ? undefined : driveItemOf(body, doing);
}

/** The item with this id, undefined where it is gone. */
export async function itemWithId(
  client: GraphClient,
  drive: Drive,
  id: string,
  signal: AbortSignal,
  $select = SELECTED,
): Promise<DriveItem | undefined> {
  const doing = `looking at item ${id} in ${drive.name}`;
  const question = { path: itemAddress(drive.id, id), query: { $select }, doing, accept: [404, 400] };
  const { status, body } = await client.ask(question, signal);
  if (status >= 400) return undefined;
  const found = driveItemOf(body, doing);
  return found.deleted ? undefined : found;
}

/** @throws ConnectorError `not_found`, `not_an_item` for a folder */
export function fileAt(found: DriveItem | undefined, location: string): DriveItem {
  if (found === undefined || found.deleted) {
    throw new ConnectorError('not_found', `${JSON.stringify(location)} is not there`);
  }
  if (isFolder(found) || !found.file) {
    throw new ConnectorError('not_an_item', `${JSON.stringify(location)} is no file`);
  }
  return found;
}

/** An asset that is not there is no empty one. @throws ConnectorError `unreachable` */
export async function expectFolder(client: GraphClient, drive: Drive, signal: AbortSignal): Promise<void> {
  if (drive.folder.length === 0) return;
  const found = await itemAt(client, drive, drive.folder, signal);
  if (found && isFolder(found)) return;
  const message = `${drive.folder.join('/')} is no folder of ${drive.name}; check the asset of the connector`;
  throw new ConnectorError('unreachable', message);
}
