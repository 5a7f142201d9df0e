import type { Position } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';

/**
 * Where a feed of files goes on: a bound in time. Whatever changed before it has been handed over. There is no list of files in
 * it: the change times that the file system keeps are the memory, so that any worker on the host can go on.
 */
export interface FileCursor {
  /** Milliseconds since 1970, by the clock of this process. */
  readonly since: number;
  /** Inode of the asset: another folder in its path has another history. */
  readonly root: string;
}

export function cursorOf({ since, root }: FileCursor): Position {
  return { since, root };
}

/** @throws ConnectorError `configuration` for what is no cursor of a file feed */
export function parseCursor(from: Position): FileCursor {
  const { since, root } = from;
  if (typeof since === 'number' && Number.isSafeInteger(since) && since >= 0 && typeof root === 'string') {
    return { since, root };
  }
  throw new ConnectorError('configuration', `${JSON.stringify(from).slice(0, 200)} is no cursor of a file feed`);
}
