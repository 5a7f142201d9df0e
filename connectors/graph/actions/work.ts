import type { ActionCode, ActionIntent } from '../../../domain/action.ts';
import type { Item } from '../../../domain/item.ts';
import { failed, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../../errors.ts';
import type { Answer, GraphClient } from '../client.ts';
import { type DriveItem, isFolder, itemOf } from '../drive-item.ts';
import { failureOf } from '../failures.ts';
import { isName, itemAddress } from '../names.ts';
import type { Drive, Place } from '../places.ts';
import { versionOf } from '../version.ts';

/** What is under way with one item. */
export interface Work extends Place {
  readonly client: GraphClient;
  readonly finding: string;
  readonly location: string;
  readonly signal: AbortSignal;
}

export interface ActionWork extends Work {
  readonly intent: ActionIntent;
}

/** The judged version is not in place: what is there instead, or nothing. */
export function notInPlace(work: Work, current: DriveItem | undefined, note?: string): Stop {
  if (current === undefined || isFolder(current)) {
    return failed('not_found', note ?? `${JSON.stringify(work.location)} is not there any more`);
  }
  const item: Item = itemOf(work.location, current);
  return new Stop({
    state: 'refused',
    code: 'version_changed',
    note: note ?? 'another version is in place than the one that was judged',
    current: item,
  });
}

/** Of a report: another item that has the name of the one that was taken away. */
export function nowThere(work: Work, current: DriveItem | undefined): Pick<ActionReport, 'current'> {
  return current === undefined || isFolder(current) ? {} : { current: itemOf(work.location, current) };
}

export function isVersion(found: DriveItem | undefined, version: string): boolean {
  return found?.cTag !== undefined && versionOf({ id: found.id, cTag: found.cTag }) === version;
}

/** Names of a destination below quarantine. @throws Stop for one that leaves it */
export function destinationNames(drive: Drive, destination: string | undefined): string[] {
  const names = destination?.split('/') ?? [];
  if (names.length > 0 && names.every(isName)) return [...drive.quarantine, ...names];
  throw failed('not_supported', `${JSON.stringify(destination)} is no name below quarantine`);
}

/** A change of an item on the condition that it is as it was read. Answers in `accept` are the caller's. */
export async function changeItem(
  { client, drive, signal, location }: Work,
  found: DriveItem,
  change: { readonly method: 'PATCH' | 'DELETE'; readonly body?: unknown; readonly doing: string },
  accept: readonly number[],
): Promise<Answer> {
  if (found.eTag === undefined) throw failed('storage_error', 'Graph gives no eTag for the item');
  const { method, body } = change;
  const doing = `${change.doing} ${JSON.stringify(location)} in ${drive.name}`;
  const headers = { 'If-Match': found.eTag };
  const refusals = [...accept, ...Object.keys(REFUSED).map(Number)];
  const path = itemAddress(drive.id, found.id);
  const answer = await client.ask(
    { method, path, doing, headers, accept: refusals, ...(body !== undefined && { body }) },
    signal,
  );
  const refused = accept.includes(answer.status) ? undefined : REFUSED[answer.status];
  if (refused === undefined) return answer;
  const { message } = failureOf(answer, doing, 'item');
  throw new Stop({ state: refused === 'leased' ? 'refused' : 'failed', code: refused, note: message });
}

/** What a drive answers to a change that it will not make. 423: somebody has the file open, checked out or locked. */
const REFUSED: Readonly<Record<number, ActionCode>> = { 403: 'permission_denied', 423: 'leased', 507: 'no_space' };

/**
 * The report that an error stands for.
 * @throws what no storage answered: an abort, and whatever holds the whole connector or asks it to slow down
 */
export function reportOf(error: unknown, signal: AbortSignal): ActionReport {
  if (error instanceof Stop) return error.report;
  signal.throwIfAborted();
  if (!(error instanceof ConnectorError)) throw error;
  if (CONNECTOR_CODES[error.code] === 'hold' || error.code === 'throttled') throw error;
  const { code, message: note } = error;
  if (code === 'not_found' || code === 'permission_denied') return { state: 'failed', code, note };
  if (code === 'not_an_item') return { state: 'failed', code: 'not_supported', note };
  return { state: 'failed', code: 'storage_error', note };
}
