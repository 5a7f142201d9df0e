import type { BigIntStats } from 'node:fs';
import { systemCode } from '../../domain/errors.ts';
import type { Item } from '../../domain/item.ts';
import type { ListEvent } from '../connector.ts';
import type { ConnectorError } from '../errors.ts';
import { lstat } from './calls.ts';
import { failure } from './failures.ts';
import type { Key } from './folder.ts';
import { joined, type Raw, readable, refOf } from './names.ts';
import { readSideCar, SIDE_CAR_END } from './side-car.ts';
import { modifiedOf, versionOf } from './version.ts';

/** An entry of a folder as it was met: `gone` since its folder was read, `ours` is never listed. */
export type Seen =
  | { readonly what: 'outside' | 'gone' | 'ours'; readonly location: Raw; readonly facts?: undefined }
  | { readonly what: 'entry'; readonly location: Raw; readonly facts: BigIntStats }
  | { readonly what: 'fault'; readonly location: Raw; readonly error: ConnectorError; readonly facts?: undefined };

/** Looks at one entry. `inside`: the way to its folder. */
export async function see(inside: Raw, key: Key, location: Raw): Promise<Seen> {
  const path = joined(inside, key);
  try {
    const facts = await lstat(path);
    if (await isOurs(path, key, facts)) return { what: 'ours', location };
    return { what: 'entry', location, facts };
  } catch (error) {
    const cause = failure(error, 'looking at', location);
    return cause.code === 'not_found' ? { what: 'gone', location } : { what: 'fault', location, error: cause };
  }
}

/** Whether an entry is a side-car of ours: nobody's item. `name`: the last part of its path. */
export async function isOurs(path: Raw, name: Raw, facts: BigIntStats): Promise<boolean> {
  if (!name.endsWith(SIDE_CAR_END) || !facts.isFile()) return false;
  try {
    return (await readSideCar(path)) !== undefined;
  } catch {
    // Whatever can't be read is an item, and its reading will say why.
    return false;
  }
}

/** The event for an entry inside the scope; none for what is gone or ours. */
export function eventOf(seen: Seen, maxSize: number | undefined): ListEvent | undefined {
  if (seen.what === 'entry') return { kind: 'item', item: itemOf(seen.location, seen.facts, maxSize) };
  if (seen.what !== 'fault') return undefined;
  if (seen.location.endsWith('/')) return gapOf(seen.location, seen.error);
  const fault = { class: seen.error.code, detail: seen.error.message };
  return { kind: 'item', item: { ...refOf(seen.location), fault } };
}

export function gapOf(folder: Raw, error: ConnectorError): ListEvent {
  return { kind: 'gap', location: readable(folder), class: 'folder_unreadable', detail: error.message };
}

/** A listed item from its facts. */
export function itemOf(location: Raw, facts: BigIntStats, maxSize: number | undefined): Item {
  const modified = modifiedOf(facts);
  const skip = skipOf(facts, maxSize);
  return {
    ...refOf(location),
    version: versionOf(facts),
    size: Number(facts.size),
    ...(modified !== undefined && { modified }),
    ...(skip !== undefined && { skip }),
  };
}

function skipOf(facts: BigIntStats, maxSize: number | undefined): Item['skip'] {
  if (facts.isSymbolicLink()) return 'link';
  if (!facts.isFile()) return 'special';
  return maxSize !== undefined && facts.size > maxSize ? 'size' : undefined;
}

/** What is no matter of one entry: the storage is away, or this process is out of descriptors or memory. */
export function breaks(error: ConnectorError): boolean {
  const code = systemCode(error.cause);
  return error.code === 'unreachable' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM';
}
