import type { Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Raw } from './names.ts';

/** How far a walk has come. */
export interface Reached {
  /** Everything up to here has been dealt with; a folder's name with `/` stands for all that is in it. */
  after: Raw;
  /** Entries outside the scope that no event has told of yet. */
  outside: number;
  /**
   * Inode of the folder that the walk began on; absent before it began. A mount that comes or goes puts another one in its
   * path; a mount that comes again has the same one, though often another device number.
   */
  root: string | undefined;
}

export function positionOf({ after, outside, root }: Reached): Position {
  return { after: Buffer.from(after, 'latin1').toString('base64'), outside, ...(root !== undefined && { root }) };
}

/** @throws ConnectorError `configuration` for what is no position of a file listing */
export function parsePosition(from: Position | undefined): Reached {
  if (from === undefined) return { after: '', outside: 0, root: undefined };
  const { after, outside, root } = from;
  const sound = typeof after === 'string' && typeof outside === 'number' && outside >= 0;
  if (!sound || (root !== undefined && typeof root !== 'string')) {
    throw new ConnectorError('configuration', `${JSON.stringify(from).slice(0, 200)} is no position of a file listing`);
  }
  return { after: Buffer.from(after, 'base64').toString('latin1'), outside, root };
}
