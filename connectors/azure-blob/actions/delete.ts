import { noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { readMark, withdrawMark, writeMark } from './marks.ts';
import { purgeVersion, remains } from './remains.ts';
import { isRefused, type Taken, takeAway } from './take.ts';
import { type ActionWork, type Facts, factsAt, isElsewise, isJudged, mayChange, notJudged, nowThere } from './work.ts';

/** `delete`: the mark first, then the blob at the judged version. A repeat that finds nothing knows by the mark that it was done. */
export async function deleteItem(work: ActionWork, facts: Facts | undefined): Promise<ActionReport> {
  if (facts === undefined || !isJudged(facts, work.intent.judged.version)) {
    const mark = await readMark(work);
    if (mark === undefined) return notJudged(work, facts);
    const purged = await purgeVersion(work, mark.versionId);
    return done(work, 'already_applied', { purged, now: facts });
  }
  mayChange(facts);
  const { versionId } = facts;
  await writeMark(work, versionId === undefined ? {} : { versionId });
  let taken: Taken;
  try {
    taken = await takeAway(work, versionId);
  } catch (error) {
    if (isRefused(error)) await withdrawMark(work);
    if (isElsewise(error)) return notJudged(work, await factsAt(work, work.place));
    throw error;
  }
  return done(work, 'applied', taken);
}

async function done(
  work: ActionWork,
  code: 'applied' | 'already_applied',
  { purged, now }: Taken,
): Promise<ActionReport> {
  return { state: 'done', code, ...noted(purged, await remains(work)), ...nowThere(work, now) };
}
