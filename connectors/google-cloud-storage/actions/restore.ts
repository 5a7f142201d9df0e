import { z } from 'zod';
import type { ActionRow } from '../../../domain/action.ts';
import { failed, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { isElsewise } from '../failures.ts';
import type { GcsObject } from '../objects.ts';
import { type ObjectName, urlOf } from '../place.ts';
import { type QuarantineRecord, recordOf, restored } from './record.ts';
import { sameBytes, type Work } from './work.ts';

/** What a move leaves in its action row. */
const UNDO = z.object({
  kind: z.literal('gcs-move'),
  bucket: z.string().min(1),
  key: z.string().min(1),
  finding: z.string(),
  size: z.string(),
  crc32c: z.string().optional(),
  md5Hash: z.string().optional(),
});
type Undo = z.infer<typeof UNDO>;

const TRIES = 3;
const NOTE = 'generation, creation time and object ACLs are new';

/** Puts a moved item back under its own name, when nothing has that name and the bytes in quarantine are those that were moved. */
export async function restoreItem(work: Work, row: ActionRow): Promise<ActionReport> {
  const parsed = UNDO.safeParse(row.undo);
  if (!parsed.success || parsed.data.finding !== row.finding) {
    throw failed('not_supported', 'the action row has nothing in it that could be undone here');
  }
  const undo = parsed.data;
  const from: ObjectName = { bucket: undo.bucket, key: undo.key };
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { objects, at, signal } = work;
    const kept = await objects.find(from, signal);
    const record = kept === undefined ? undefined : recordOf(kept);
    const own = await objects.find(at, signal);
    if (own !== undefined && !sameBytes(own, undo)) {
      throw failed('destination_taken', `${urlOf(at)} is another object; move that away first`);
    }
    if (own === undefined && kept === undefined) throw failed('not_found', `${urlOf(from)} is not there`);
    if (kept !== undefined && !isMoved(work, kept, record, undo)) {
      const note = `${urlOf(from)} is not what was moved`;
      throw new Stop({ state: 'refused', code: 'version_changed', note });
    }
    const back = own ?? (await broughtBack(work, from, kept as GcsObject, record as QuarantineRecord));
    if (back === undefined) continue;
    if (!sameBytes(back, undo)) throw failed('storage_error', `${urlOf(at)} has other bytes than were moved`);
    if (kept !== undefined) await clear(work, from, kept);
    return {
      state: 'done',
      code: kept === undefined ? 'already_applied' : 'applied',
      note: NOTE,
      destination: urlOf(at),
      made: [back.generation],
    };
  }
  throw failed('storage_error', `${urlOf(work.at)} changed at every attempt`);
}

function isMoved(work: Work, kept: GcsObject, record: QuarantineRecord | undefined, undo: Undo): boolean {
  return record?.finding === undo.finding && record.location === work.location && sameBytes(kept, undo);
}

/** Undefined when a name is not as it was seen: look anew. */
async function broughtBack(
  { objects, at, signal }: Work,
  from: ObjectName,
  kept: GcsObject,
  record: QuarantineRecord,
): Promise<GcsObject | undefined> {
  try {
    return await objects.copy(from, kept.generation, at, restored(kept, record), signal);
  } catch (error) {
    if (isElsewise(error)) return undefined;
    throw error;
  }
}

async function clear({ objects, signal }: Work, from: ObjectName, kept: GcsObject): Promise<void> {
  try {
    await objects.remove(from, kept.generation, false, signal);
  } catch (error) {
    if (!isElsewise(error)) throw error;
  }
}
