import type { Version } from '../../domain/item.ts';
import type { Told } from '../../domain/remote.ts';

const PREFIX = 'remote1:';
/** Size, or nothing where it is not known, and the name. */
const SHAPE = /^remote1:(\d{0,16}):(.*)$/s;

/**
 * The version of an item as far as a remote connector tells: its size, and the name it was pushed under, which goes back to the connector
 * with every request. Two contents of one size have the same, so it pins nothing: what was judged is known by its hash.
 */
export function versionOf({ name, size }: Told): Version {
  return `${PREFIX}${size ?? ''}:${name}`;
}

/** What was pushed of the item with this version; undefined for a version that is none of these. */
export function toldBy(version: Version | undefined): Told | undefined {
  const [, size, name] = SHAPE.exec(version ?? '') ?? [];
  if (size === undefined || name === undefined) return undefined;
  return { name, ...(size !== '' && { size: Number(size) }) };
}
