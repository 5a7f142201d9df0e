import type { ItemRef } from '../../domain/item.ts';
import { ConnectorError } from '../errors.ts';

/**
 * The names that a location is made of.
 * @throws ConnectorError `not_an_item` for what is no path of names, or is not UTF-8, which no drive can hold
 */
export function namesOf({ location, locationBytes }: ItemRef): string[] {
  const names = location.split('/');
  if (locationBytes !== undefined || !location.isWellFormed() || !names.every(isName)) {
    throw new ConnectorError('not_an_item', `${JSON.stringify(location)} is no path of a drive`);
  }
  return names;
}

/** The names of a setting that may be written with `/` at its ends; none for the root. */
export function folderNames(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
}

/** One segment of an address. Beside what `encodeURIComponent` does: a quote would end a parameter of Graph's own syntax. */
export function encoded(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Address of what lies at these names of a drive; `after` is what is asked of it (`children`, `content`). */
export function pathAddress(drive: string, names: readonly string[], after?: string): string {
  const root = `/drives/${encodeURIComponent(drive)}/root`;
  const tail = after === undefined ? '' : `/${after}`;
  return names.length === 0 ? `${root}${tail}` : `${root}:/${names.map(encoded).join('/')}${tail && `:${tail}`}`;
}

/** Address of an item by its id. */
export function itemAddress(drive: string, id: string, after?: string): string {
  const item = `/drives/${encodeURIComponent(drive)}/items/${encodeURIComponent(id)}`;
  return after === undefined ? item : `${item}/${after}`;
}

/** Whether names lie at or below others. Names of a drive are the same whatever their case. */
export function isWithin(names: readonly string[], folder: readonly string[]): boolean {
  return folder.every((name, index) => names[index] !== undefined && sameName(names[index], name));
}

export function sameName(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}
