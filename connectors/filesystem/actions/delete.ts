import type { ActionReport } from '../../connector.ts';
import { closeFd } from '../calls.ts';
import { factsAt, syncFolder, unlink } from '../durable.ts';
import { sameButChangeTime } from '../version.ts';
import { deletionMark, markDeletion } from './quarantine.ts';
import { ended, grasp, notHeld, orGiveBack, otherNames, replacement, take } from './take.ts';
import { type ActionWork, type ItemFolder, step } from './work.ts';

/**
 * `delete`. With a quarantine folder a mark is kept there, so that a repeated intent which finds nothing knows that it was
 * done. Without one such a repeat is reported `not_found`, for nothing shows who did it.
 */
export async function deleteItem(work: ActionWork, folder: ItemFolder): Promise<ActionReport> {
  const mark = await deletionMark(work);
  const found = await grasp(work, folder);
  if (found.kind !== 'held') {
    const marked = mark !== undefined && (await factsAt(mark)) !== undefined;
    const stillThere = found.kind === 'changed' && sameButChangeTime(work.intent.judged.version, found.facts);
    if (!marked || stillThere) return notHeld(found);
    return { state: 'done', code: 'already_applied', ...ended(await replacement(work, folder)) };
  }
  const { held } = found;
  try {
    await orGiveBack(work, folder, held, async () => {
      if (mark !== undefined) {
        await step(work, 'mark-deletion');
        await markDeletion(work, mark);
      }
      await take(work, folder, held);
      await step(work, 'unlink-aside');
      await unlink(folder.aside);
    });
  } catch (error) {
    if (mark !== undefined && !held.taken) await unlink(mark).catch(() => {});
    throw error;
  } finally {
    closeFd(held.fd);
  }
  await syncFolder(folder.inside);
  return { state: 'done', code: 'applied', ...ended(await replacement(work, folder), otherNames(held.facts)) };
}
