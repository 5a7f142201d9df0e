import { noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { type Facts, factsAt, itemOf } from '../object.ts';
import { versionOf } from '../version.ts';
import { isMarked, mark, unmark } from './marks.ts';
import { remaining, removeJudged } from './remove.ts';
import { type ActionWork, changed, notFound } from './work.ts';

/** `delete`: a mark, then the judged version, then the look at what is in place. */
export async function deleteItem(work: ActionWork): Promise<ActionReport> {
  const facts = await factsAt(work.client, work.spot, work.signal);
  if (facts === undefined || versionOf(facts) !== work.intent.judged.version) {
    if (await isMarked(work)) {
      return done(work, 'already_applied', facts);
    }
    return facts === undefined ? notFound() : changed(work, facts);
  }
  await mark(work);
  let removal: Awaited<ReturnType<typeof removeJudged>>;
  try {
    removal = await removeJudged(work, facts);
  } catch (error) {
    const now = await factsAt(work.client, work.spot, work.signal).catch(() => undefined);
    if (now && versionOf(now) === work.intent.judged.version) await unmark(work);
    throw error;
  }
  if (removal.kind === 'replaced') {
    await unmark(work);
    return changed(work, removal.facts);
  }
  return done(work, 'applied', removal.facts);
}

async function done(
  work: ActionWork,
  code: 'applied' | 'already_applied',
  now: Facts | undefined,
): Promise<ActionReport> {
  return {
    state: 'done',
    code,
    ...noted(await remaining(work), now && 'another object has its name now'),
    ...(now && { current: itemOf(work.location, now) }),
  };
}
