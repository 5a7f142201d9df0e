import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import { deleteItem } from './delete.ts';
import { moveItem } from './move.ts';
import { tagItem } from './tag.ts';
import { type ActionWork, reportOf } from './work.ts';

/** One action on one item. */
export function actOn(work: ActionWork): Promise<ActionReport> {
  if (work.intent.action === 'tag') return tagItem(work);
  if (work.intent.action === 'delete') return deleteItem(work);
  return moveItem(work);
}

/** Answers after which only the store knows how far it came, or that a condition did not hold. */
const UNCLEAR = new Set(['changed', 'unreachable', 'storage_error']);

/**
 * The report of what `body` does. After an unclear answer the body runs once more: it begins by reading what the store has.
 * @throws what no storage answered: an abort, and whatever holds the whole connector
 */
export async function reported(signal: AbortSignal, body: () => Promise<ActionReport>): Promise<ActionReport> {
  try {
    try {
      return await body();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectorError) || !UNCLEAR.has(error.code)) throw error;
      return await body();
    }
  } catch (error) {
    return reportOf(error, signal);
  }
}
