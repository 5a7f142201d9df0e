import { sha256Hex } from './sha256.ts';

/** Whether this is the id of a folder that is no configured connector. */
export function isFolderSourceId(text: string): boolean {
  return /^folder-[0-9a-f]{16}$/.test(text);
}

/** The id of a folder that is no configured connector, from its real path. */
export function folderSourceId(path: string): string {
  return `folder-${sha256Hex(path).slice(0, 16)}`;
}
