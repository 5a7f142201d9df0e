import type { ActionReport } from '../../connector.ts';
import { factsAt } from '../object.ts';
import { versionOf } from '../version.ts';
import { mergeTags, readTags, sameTags, tagsOf, theirTags, writeTags } from './tags.ts';
import { type ActionWork, changed, notFound } from './work.ts';

/**
 * `tag`: ours beside those that are there. With a version id they go to exactly that version. Without, S3 has no condition for tags:
 * the version is compared before and after, and tags that went to another object are taken off again.
 */
export async function tagItem(work: ActionWork): Promise<ActionReport> {
  const { client, spot, signal, intent } = work;
  const facts = await factsAt(client, spot, signal);
  if (facts === undefined) return notFound();
  if (versionOf(facts) !== intent.judged.version) return changed(work, facts);
  const { versionId } = facts;
  const before = await readTags(work, spot, versionId);
  const tags = mergeTags(before, tagsOf(intent));
  if (sameTags(before, tags)) return { state: 'done', code: 'already_applied' };
  await writeTags(work, spot, tags, versionId);
  const now = await factsAt(client, spot, signal);
  if (now && versionOf(now) === intent.judged.version) return { state: 'done', code: 'applied' };
  if (versionId !== undefined) {
    const note = 'the judged version has the tags; another one is in place by now';
    return now === undefined ? { state: 'done', code: 'applied', note } : changed(work, now, note);
  }
  if (now === undefined) return notFound();
  const there = await readTags(work, spot);
  if (there['dsx-finding'] === tags['dsx-finding']) await writeTags(work, spot, theirTags(there));
  return changed(work, now, 'it was replaced while it was tagged; the tags were taken off the new object again');
}
