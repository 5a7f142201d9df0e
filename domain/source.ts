import { sha256Hex } from './sha256.ts';

/** The id of a folder that is no configured connector, from its real path. */
export function folderSourceId(path: string): string {
  return `folder-${sha256Hex(path).slice(0, 16)}`;
}
