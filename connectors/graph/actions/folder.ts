import { failed } from '../../action-stop.ts';
import { ConnectorError } from '../../errors.ts';
import type { GraphClient } from '../client.ts';
import { type DriveItem, driveItemOf, isFolder } from '../drive-item.ts';
import { itemAddress } from '../names.ts';
import { type Drive, itemAt } from '../places.ts';

/** A folder of a drive, and whether some of its way had to be made. */
export interface Made {
  readonly folder: DriveItem;
  readonly made: boolean;
}

/**
 * The folder at these names, made with those above it where it is not there.
 * @throws ConnectorError; Stop `destination_taken` where a file has the name
 */
export async function ensureFolder(
  client: GraphClient,
  drive: Drive,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Made> {
  const there = await itemAt(client, drive, names, signal);
  if (there !== undefined) {
    if (isFolder(there)) return { folder: there, made: false };
    throw failed('destination_taken', `${names.join('/')} is a file, not a folder`);
  }
  if (names.length === 0) throw new ConnectorError('configuration', `${drive.name} has no root`);
  const { folder: above } = await ensureFolder(client, drive, names.slice(0, -1), signal);
  const doing = `making the folder ${JSON.stringify(names.join('/'))} in ${drive.name}`;
  const body = { name: names.at(-1), folder: {}, '@microsoft.graph.conflictBehavior': 'fail' };
  const path = itemAddress(drive.id, above.id, 'children');
  const question = { method: 'POST', path, body, doing, about: 'drive', accept: [409] } as const;
  const answer = await client.ask(question, signal);
  // Somebody else, another action of ours perhaps, made it first.
  if (answer.status === 409) return { ...(await existing(client, drive, names, signal)), made: false };
  return { folder: driveItemOf(answer.body, doing), made: true };
}

async function existing(
  client: GraphClient,
  drive: Drive,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Pick<Made, 'folder'>> {
  const folder = await itemAt(client, drive, names, signal);
  if (folder && isFolder(folder)) return { folder };
  throw failed('destination_taken', `${names.join('/')} is taken by something that is no folder`);
}
