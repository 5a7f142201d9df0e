import { failed, noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import { versionOf } from '../entry.ts';
import { addressOf, type BlobPlace } from '../names.ts';
import { copyBlob, settled } from './copy.ts';
import {
  fitting,
  indexTags,
  mergedTags,
  metadataTags,
  quarantined,
  quarantineMetadata,
  quarantineNote,
  type Texts,
  withoutProvenance,
} from './provenance.ts';
import { purgeVersion, remains } from './remains.ts';
import { readTags } from './tag.ts';
import { isRefused, type Taken, takeAway } from './take.ts';
import {
  type ActionWork,
  deleteAt,
  type Facts,
  factsAt,
  isElsewise,
  isJudged,
  isTaken,
  mayChange,
  notJudged,
  nowThere,
} from './work.ts';

/** `move` and `movetag`: a verified copy in quarantine, then the item goes. */
export async function moveItem(work: ActionWork, facts: Facts | undefined): Promise<ActionReport> {
  const { intent, names, place } = work;
  if (intent.destination === undefined) throw failed('not_supported', 'the intent names no place in quarantine');
  const to = names.quarantined(place, intent.destination);
  const earlier = await placed(work, to);
  if (facts === undefined || !isJudged(facts, intent.judged.version)) {
    if (earlier === undefined) return notJudged(work, facts);
    const purged = await purgeVersion(work, quarantined(earlier.metadata, 'version_id'));
    return done(work, to, earlier, 'already_applied', { purged, now: facts });
  }
  mayChange(facts);
  const copy = earlier ?? (await copied(work, to, facts));
  if (copy === undefined) return notJudged(work, await factsAt(work, place));
  let taken: Taken;
  try {
    taken = await takeAway(work, facts.versionId);
  } catch (error) {
    // Gone by somebody else's hand: the judged bytes are in quarantine all the same.
    if (error instanceof ConnectorError && error.code === 'not_found')
      return done(work, to, copy, 'applied', {}, facts);
    if (isRefused(error)) await withdraw(work, to, copy);
    if (isElsewise(error)) return notJudged(work, await factsAt(work, place));
    throw error;
  }
  return done(work, to, copy, 'applied', taken, facts);
}

/** What an earlier attempt of this intent put into quarantine. @throws Stop `destination_taken` for anything else there */
async function placed(work: ActionWork, to: BlobPlace): Promise<Facts | undefined> {
  const there = await factsAt(work, to);
  if (there === undefined) return undefined;
  const { finding, provenance, judged } = work.intent;
  const own = quarantineMetadata(work.intent, work.place, undefined);
  const same = (['finding', 'sha256', 'size'] as const).every(
    (name) => quarantined(there.metadata, name) === quarantined(own, name),
  );
  if (!same) throw taken(to);
  const copy = await settled(work, to, there);
  if (copy.contentLength !== judged.size) {
    throw failed('destination_taken', `${addressOf(to)} has other bytes than ${finding} (${provenance.sha256}) had`);
  }
  return copy;
}

function taken(to: BlobPlace) {
  return failed('destination_taken', `${addressOf(to)} is something else, and stays as it is`);
}

/** Undefined when the item is no longer the one that was judged. */
async function copied(work: ActionWork, to: BlobPlace, facts: Facts): Promise<Facts | undefined> {
  const { intent, settings } = work;
  const tagged = intent.action === 'movetag';
  const own = withoutProvenance(facts.metadata ?? {});
  const extra = tagged && settings.tags === 'metadata' ? metadataTags(intent) : {};
  const there = (facts.tagCount ?? 0) > 0 ? await readableTags(work) : {};
  const wanted = tagged && settings.tags === 'index' ? indexTags(intent) : [];
  const { tags, left } = mergedTags(there ?? {}, wanted);
  const ours = { ...extra, ...quarantineMetadata(intent, work.place, facts.versionId) };
  const notes = [
    ...(there === undefined ? ['its index tags may not be read, and stay behind'] : []),
    ...(left.length > 0 ? [`no room among its index tags for ${left.join(', ')}`] : []),
    ...(fitting(own, ours).left
      ? ['its own metadata found no room in quarantine; the undo of this action has it']
      : []),
  ];
  const { metadata } = fitting(own, notes.length === 0 ? ours : { ...ours, ...quarantineNote(notes.join('; ')) });
  try {
    return await copyBlob(work, { from: work.place, to, facts, metadata, tags });
  } catch (error) {
    if (isElsewise(error)) return undefined;
    if (!isTaken(error)) throw error;
    const earlier = await placed(work, to);
    if (earlier !== undefined) return earlier;
    throw failed('storage_error', `${addressOf(to)} went away while it was looked at`);
  }
}

/** Undefined where they may not be read: with `move` alone that is no reason to leave the item in its place. */
async function readableTags(work: ActionWork): Promise<Texts | undefined> {
  try {
    return await readTags(work);
  } catch (error) {
    const denied = error instanceof ConnectorError && error.code === 'permission_denied';
    if (!denied || work.intent.action !== 'move') throw error;
    return undefined;
  }
}

/** Takes the copy back: the item stays where it is. */
async function withdraw(work: ActionWork, to: BlobPlace, copy: Facts): Promise<void> {
  try {
    await deleteAt(work, to, versionOf(copy.etag));
  } catch (error) {
    work.signal.throwIfAborted();
    if (error instanceof ConnectorError && error.code === 'not_found') return;
    const why = error instanceof Error ? error.message : '';
    throw failed('storage_error', `the item stays, and its copy at ${addressOf(to)} could not be removed: ${why}`);
  }
}

async function done(
  work: ActionWork,
  to: BlobPlace,
  copy: Facts,
  code: 'applied' | 'already_applied',
  { purged, now }: Taken,
  item?: Facts,
): Promise<ActionReport> {
  const { finding, judged, provenance, action, destination } = work.intent;
  return {
    state: 'done',
    code,
    ...noted(quarantined(copy.metadata, 'note'), purged, await remains(work)),
    destination: addressOf(to),
    undo: {
      kind: 'azure-blob-move',
      container: to.container,
      name: to.name,
      destination: destination as string,
      finding,
      sha256: provenance.sha256,
      size: judged.size,
      tagged: action === 'movetag',
      ...(item !== undefined && isLeftOut(item, copy) && { metadata: item.metadata }),
      ...(copy.contentMD5 !== undefined && { md5: Buffer.from(copy.contentMD5).toString('base64') }),
    },
    ...nowThere(work, now),
  };
}

/** Whether the copy does without the metadata that the item had. */
function isLeftOut(item: Facts, copy: Facts): boolean {
  return Object.keys(withoutProvenance(item.metadata ?? {})).some((name) => copy.metadata?.[name] === undefined);
}
