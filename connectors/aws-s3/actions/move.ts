import { failed, findingHash, noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import { shown } from '../failures.ts';
import { type Facts, factsAt, itemOf } from '../object.ts';
import { quarantineSpot, type Spot } from '../place.ts';
import { versionOf } from '../version.ts';
import { copyObject, verifyCopy } from './copy.ts';
import { headersOf, isCopyFor, lostOf, recordOf } from './record.ts';
import { remaining, removeJudged, removeObject } from './remove.ts';
import { fittingTags, readTags, tagsOf, tagsQuery } from './tags.ts';
import { type ActionWork, changed, notFound } from './work.ts';

/**
 * `move` and `movetag`: a copy in quarantine that must not be there yet, the proof that it is whole, then the judged version, then the
 * look at what is in place. What an earlier attempt has done is recognised by the copy's metadata.
 */
export async function moveItem(work: ActionWork): Promise<ActionReport> {
  const { client, intent, spot, place, signal, finding } = work;
  const destination = intent.destination ?? findingHash(finding);
  const to = quarantineSpot(place.quarantineOf(spot.bucket), destination);
  let copy = await factsAt(client, to, signal);
  if (copy !== undefined && !isCopyFor(work, copy)) {
    throw failed('destination_taken', `${shown(to)} is something else, and stays as it is`);
  }
  const facts = await factsAt(client, spot, signal);
  if (facts === undefined || versionOf(facts) !== intent.judged.version || wasRestored(work, facts)) {
    if (copy === undefined) return facts === undefined ? notFound() : changed(work, facts);
    return done(work, to, copy, destination, 'already_applied', facts);
  }
  if (copy === undefined) {
    await putInQuarantine(work, facts, to);
    copy = await factsAt(client, to, signal);
    if (copy === undefined || !isCopyFor(work, copy)) {
      throw new ConnectorError('storage_error', `${shown(to)} is not there after it was copied`);
    }
  }
  await verifyCopy(work, facts, copy, to, intent.provenance.sha256);
  const removal = await removeJudged(work, facts);
  if (removal.kind === 'removed') return done(work, to, copy, destination, 'applied', removal.facts);
  // Its name went to another object before it could be removed: nothing was moved.
  await removeObject(work, to, copy);
  return changed(work, removal.facts);
}

const UNTAGGED = 'there was no room among its tags for verdict and finding, which its metadata has';

/** What a restore of this finding put back is no longer what this intent is about. */
export function wasRestored(work: ActionWork, facts: Facts): boolean {
  return facts.head.Metadata?.['dsx-restored'] === findingHash(work.finding);
}

async function putInQuarantine(work: ActionWork, source: Facts, to: Spot): Promise<void> {
  const { intent, spot } = work;
  const there = await readTags(work, spot, source.versionId);
  const { tags, left } =
    intent.action === 'movetag' ? fittingTags(there, tagsOf(intent)) : { tags: there, left: false };
  const metadata = recordOf(work, source, left);
  const headers = headersOf(source.head);
  await copyObject(work, { from: spot, source, to, metadata, headers, tags: tagsQuery(tags) });
}

async function done(
  work: ActionWork,
  to: Spot,
  copy: Facts,
  destination: string,
  code: 'applied' | 'already_applied',
  now: Facts | undefined,
): Promise<ActionReport> {
  const { provenance, judged } = work.intent;
  const another = now && 'another object has its name now';
  const untagged = copy.head.Metadata?.['dsx-tags-left'] === 'true' ? UNTAGGED : undefined;
  return {
    state: 'done',
    code,
    ...noted(await remaining(work), lostOf(copy), untagged, another),
    destination: `s3://${to.bucket}/${to.key}`,
    undo: { kind: 'aws-s3-move', destination, finding: work.finding, sha256: provenance.sha256, size: judged.size },
    ...(now && { current: itemOf(work.location, now) }),
  };
}
