import { z } from 'zod';
import type { ActionRow } from '../../../domain/action.ts';
import { failed, refused, type Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { versionOf } from '../entry.ts';
import { addressOf, type BlobPlace } from '../names.ts';
import { copyBlob, settled } from './copy.ts';
import { fitting, quarantined, RESTORED, type Texts, tagValue, withoutProvenance, withoutTags } from './provenance.ts';
import { blobAt, change, deleteAt, type Facts, factsAt, isElsewise, isTaken, mayChange, type Work } from './work.ts';

/** What a move leaves in its action row. */
const UNDO = z.object({
  kind: z.literal('azure-blob-move'),
  container: z.string(),
  name: z.string(),
  destination: z.string(),
  finding: z.string(),
  sha256: z.string(),
  size: z.number().int(),
  tagged: z.boolean(),
  md5: z.string().optional(),
  /** The item's own metadata, where it found no place beside ours. */
  metadata: z.record(z.string(), z.string()).optional(),
});
type Undo = z.infer<typeof UNDO>;

const NOTE = 'its times are those of now; it has the metadata dsx_restored';

/** Puts a moved item back under its own name, when that name is free and what is in quarantine is what was moved. */
export async function restoreItem(work: Work, row: ActionRow): Promise<ActionReport> {
  const parsed = UNDO.safeParse(row.undo);
  if (!parsed.success) throw failed('not_supported', 'the action row has nothing in it that could be undone here');
  const undo = parsed.data;
  const from = { container: undo.container, name: undo.name };
  const own = work.names.quarantined(work.place, undo.destination);
  if (own.container !== from.container || own.name !== from.name) {
    throw failed('not_supported', `${addressOf(from)} is outside the quarantine of this connector`);
  }
  const there = await factsAt(work, work.place);
  const kept = await factsAt(work, from);
  if (there !== undefined && !isBack(there, undo)) throw taken(work);
  if (there === undefined && kept === undefined) throw failed('not_found', `${addressOf(from)} is not there`);
  const back =
    there === undefined ? await bringBack(work, from, kept as Facts, undo) : await settled(work, work.place, there);
  if (kept !== undefined) await remove(work, from, kept, undo);
  return {
    state: 'done',
    code: kept === undefined ? 'already_applied' : 'applied',
    note: NOTE,
    destination: addressOf(work.place),
    made: [versionOf(back.etag)],
  };
}

/** Whether an item is what this restore has put back. */
function isBack(facts: Facts, { finding, size, md5 }: Undo): boolean {
  if (facts.metadata?.[RESTORED] !== tagValue(finding)) return false;
  if (facts.copyStatus === 'pending') return true;
  return facts.contentLength === size && (md5 === undefined || md5 === base64(facts.contentMD5));
}

function base64(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('base64');
}

/** Whether what is in quarantine is what was moved there. */
function isKept({ metadata, contentLength, contentMD5 }: Facts, { finding, sha256, size, md5 }: Undo): boolean {
  const told = quarantined(metadata, 'finding') === tagValue(finding) && quarantined(metadata, 'sha256') === sha256;
  return told && contentLength === size && (md5 === undefined || md5 === base64(contentMD5));
}

async function bringBack(work: Work, from: BlobPlace, kept: Facts, undo: Undo): Promise<Facts> {
  if (!isKept(kept, undo)) throw refused('version_changed', `${addressOf(from)} is not what was moved there`);
  const strip = (texts: Texts) => (undo.tagged ? withoutTags(texts) : texts);
  const own = undo.metadata ?? strip(withoutProvenance(kept.metadata ?? {}));
  const { metadata } = fitting(own, { [RESTORED]: tagValue(undo.finding) });
  const tags = (kept.tagCount ?? 0) > 0 ? strip(await tagsAt(work, from)) : {};
  try {
    return await copyBlob(work, { from, to: work.place, facts: kept, metadata, tags });
  } catch (error) {
    if (isTaken(error)) throw taken(work);
    if (isElsewise(error)) throw refused('version_changed', `${addressOf(from)} changed while it was copied`);
    throw error;
  }
}

async function tagsAt(work: Work, place: BlobPlace): Promise<Texts> {
  const doing = { doing: 'reading the index tags of', what: addressOf(place) };
  return (await change(work, doing, (abortSignal) => blobAt(work, place).getTags({ abortSignal }))).tags;
}

async function remove(work: Work, from: BlobPlace, kept: Facts, undo: Undo): Promise<void> {
  if (!isKept(kept, undo)) return;
  mayChange(kept);
  try {
    await deleteAt(work, from, versionOf(kept.etag), work.settings.purge ? { deleteSnapshots: 'include' } : {});
  } catch (error) {
    if (!isElsewise(error)) throw error;
  }
}

function taken(work: Work): Stop {
  return failed('destination_taken', `${addressOf(work.place)} is taken by another blob; move that away first`);
}
