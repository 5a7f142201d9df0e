import { failed, findingHash, noted, type Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { remains } from '../bucket.ts';
import { isElsewise, refusalOf } from '../failures.ts';
import { itemOf } from '../item.ts';
import type { GcsObject } from '../objects.ts';
import { type ObjectName, urlOf } from '../place.ts';
import { quarantined, recordOf } from './record.ts';
import { type ActionWork, inQuarantine, keptBy, notJudged, retained, sameBytes } from './work.ts';

/** A copy is tried anew when what was seen has changed meanwhile. */
const TRIES = 3;

/** `move` and `movetag`: a copy of exactly the judged generation under a name that nothing has, then the item's deletion. */
export async function moveItem(work: ActionWork): Promise<ActionReport> {
  const { intent, objects, at, signal } = work;
  const to = inQuarantine(work, intent.destination ?? findingHash(intent.finding));
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const earlier = await earlierCopy(work, to);
    const source = await objects.find(at, signal);
    if (source?.generation !== intent.judged.version) {
      if (earlier === undefined) return notJudged(work, source);
      return done(work, to, earlier, 'already_applied', source);
    }
    const keeper = keptBy(source);
    if (keeper !== undefined) {
      await withdraw(work, to, earlier);
      throw retained(keeper);
    }
    const copy = earlier ?? (await copied(work, source, to));
    if (copy === undefined) continue;
    if (!sameBytes(copy, source)) {
      if (earlier !== undefined) throw taken(to);
      await withdraw(work, to, copy);
      throw failed('storage_error', 'the copy has other bytes than the item');
    }
    return await takeAway(work, to, copy);
  }
  throw failed('storage_error', `${urlOf(at)} and its copy changed at every attempt`);
}

/** Deletes the judged generation once its copy is safe, and looks whether it is gone. */
async function takeAway(work: ActionWork, to: ObjectName, copy: GcsObject): Promise<ActionReport> {
  const { intent, objects, at, signal, purge } = work;
  try {
    await objects.remove(at, intent.judged.version, purge, signal);
  } catch (error) {
    // Gone or replaced meanwhile: the judged one is in quarantine all the same.
    if (!isElsewise(error)) {
      // Only a refusal says that the item is still there; without an answer it may be gone, and the copy all there is.
      if (refusalOf(error)?.status === 403) await withdraw(work, to, copy);
      throw error;
    }
  }
  const now = await objects.find(at, signal);
  if (now?.generation === intent.judged.version) throw failed('storage_error', 'it is still there after its deletion');
  return done(work, to, copy, 'applied', now);
}

/** The copy that an earlier attempt of this intent made. @throws Stop `destination_taken` for anything else of this name */
async function earlierCopy({ intent, objects, signal }: ActionWork, to: ObjectName): Promise<GcsObject | undefined> {
  const there = await objects.find(to, signal);
  if (there === undefined) return undefined;
  const record = recordOf(there);
  const ours = record?.finding === intent.finding && record.version === intent.judged.version;
  if (ours && record.location === intent.item.location && there.size === String(intent.judged.size)) return there;
  throw taken(to);
}

/** Undefined when the item, or the name in quarantine, is not as it was seen: look anew. */
async function copied(work: ActionWork, source: GcsObject, to: ObjectName): Promise<GcsObject | undefined> {
  const { intent, objects, buckets, at, signal } = work;
  try {
    return await objects.copy(at, source.generation, to, quarantined(intent, source), signal);
  } catch (error) {
    if (!isElsewise(error)) throw error;
    if (to.bucket !== at.bucket && refusalOf(error)?.status === 404) await buckets.proveThere(to.bucket, signal);
    return undefined;
  }
}

/** Takes a copy back whose item stays, as far as the login may. */
async function withdraw({ objects, signal }: ActionWork, to: ObjectName, copy: GcsObject | undefined): Promise<void> {
  if (copy !== undefined) await objects.remove(to, copy.generation, false, signal).catch(() => undefined);
}

async function done(
  work: ActionWork,
  to: ObjectName,
  copy: GcsObject,
  code: 'applied' | 'already_applied',
  now: GcsObject | undefined,
): Promise<ActionReport> {
  const { intent, buckets, at, purge, signal } = work;
  const bucket = await buckets.facts(at.bucket, signal).catch(() => undefined);
  const bare = recordOf(copy)?.bare === true ? 'its own metadata found no room beside the record' : undefined;
  return {
    state: 'done',
    code,
    ...noted(remains(bucket, purge), bare, now === undefined ? undefined : REPLACED),
    destination: urlOf(to),
    undo: {
      kind: 'gcs-move',
      ...to,
      finding: intent.finding,
      size: copy.size,
      ...(copy.crc32c !== undefined && { crc32c: copy.crc32c }),
      ...(copy.md5Hash !== undefined && { md5Hash: copy.md5Hash }),
    },
    ...(now !== undefined && { current: itemOf(work.location, now) }),
  };
}

export const REPLACED = 'another object has its name now';

function taken(to: ObjectName): Stop {
  return failed('destination_taken', `${urlOf(to)} is something else, and stays as it is`);
}
