import type { Version } from '../../domain/item.ts';

/**
 * What pins the bytes of a drive item: its id, so that another file under the same name is another version, and its cTag, which
 * changes with the content alone (the eTag changes with every name and column).
 */
export interface Pinned {
  readonly id: string;
  readonly cTag: string;
}

const FORM = /^graph1:([^:]+):(.+)$/s;

export function versionOf({ id, cTag }: Pinned): Version {
  return `graph1:${encodeURIComponent(id)}:${cTag}`;
}

/** Undefined for what is no version of a drive item. */
export function pinnedBy(version: Version): Pinned | undefined {
  const [, id, cTag] = FORM.exec(version) ?? [];
  if (id === undefined || cTag === undefined) return undefined;
  try {
    return { id: decodeURIComponent(id), cTag };
  } catch {
    return undefined;
  }
}
