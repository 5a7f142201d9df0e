import { failed, Stop } from '../../action-stop.ts';
import { ConnectorError } from '../../errors.ts';
import { addressOf } from '../names.ts';
import { purgeVersion } from './remains.ts';
import { type ActionWork, deleteAt, type Facts, factsAt, isElsewise, isJudged } from './work.ts';

/** What was left when the judged version had gone. */
export interface Taken {
  readonly purged?: string | undefined;
  readonly now?: Facts | undefined;
}

/**
 * Deletes the judged version from its name, and what `purge` says with it, and sees that it is gone. What keeps it from that is
 * thrown, with the item in its place.
 * @returns what became of its version, where there is something to say, and what has its name now
 * @throws ConnectorError `changed`, `not_found` and others; Stop `leased`, `retained`
 */
export async function takeAway(work: ActionWork, versionId: string | undefined): Promise<Taken> {
  const { place, intent, settings } = work;
  await deleteAt(work, place, intent.judged.version, settings.purge ? { deleteSnapshots: 'include' } : {});
  const purged = await purgeVersion(work, versionId);
  const now = await afterwards(work);
  if (isJudged(now, intent.judged.version)) {
    throw failed('storage_error', `${addressOf(place)} is still there after its deletion`);
  }
  return { purged, now };
}

/** What is in place after a deletion that was answered. @throws ConnectorError none of those that say that it was not made */
async function afterwards(work: ActionWork): Promise<Facts | undefined> {
  try {
    return await factsAt(work, work.place);
  } catch (error) {
    work.signal.throwIfAborted();
    if (!(error instanceof ConnectorError) || !isRefused(error)) throw error;
    const message = `${addressOf(work.place)} was deleted, and could not be looked at afterwards: ${error.message}`;
    throw new ConnectorError('storage_error', message);
  }
}

/** Whether the deletion is known not to have been made, so that what was prepared for it is to be taken back. */
export function isRefused(error: unknown): boolean {
  if (isElsewise(error)) return true;
  // Without an answer, or with one that says nothing, it may have been made.
  return (
    error instanceof Stop ||
    (error instanceof ConnectorError && ('stop' in error || error.code === 'permission_denied'))
  );
}
