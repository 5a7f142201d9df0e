import type { StorageClass } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { ActionRow } from '../../../domain/action.ts';
import { failed, findingHash, noted, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import { shown } from '../failures.ts';
import { type Facts, factsAt } from '../object.ts';
import { quarantineSpot, type Spot } from '../place.ts';
import { versionOf } from '../version.ts';
import { copyObject, verifyCopy } from './copy.ts';
import { headersOf, lostOf, type Metadata, theirMetadata } from './record.ts';
import { removeObject } from './remove.ts';
import { readTags, tagsQuery, theirTags } from './tags.ts';
import type { Work } from './work.ts';

/** What a move leaves in its action row. */
const UNDO = z.object({
  kind: z.literal('aws-s3-move'),
  destination: z.string(),
  finding: z.string(),
  sha256: z.string(),
  size: z.number(),
});
type Undo = z.infer<typeof UNDO>;

const NOT_RESTORED =
  'its modification time, access list, object lock and a key of its own for its encryption are not what they were';

/**
 * Puts a moved item back under its own name, when that name is free and quarantine has what was moved. It then carries the mark of the
 * finding in its metadata, by which a repeat knows it.
 */
export async function restoreItem(work: Work, row: ActionRow): Promise<ActionReport> {
  const parsed = UNDO.safeParse(row.undo);
  if (!parsed.success) throw failed('not_supported', 'the action row has nothing in it that could be undone here');
  const undo = parsed.data;
  const { client, spot, place, signal } = work;
  const from = quarantineSpot(place.quarantineOf(spot.bucket), undo.destination);
  const kept = await factsAt(client, from, signal);
  const ours = kept?.head.Metadata?.['dsx-finding'] === encodeURIComponent(undo.finding) && kept.size === undo.size;
  let there = await factsAt(client, spot, signal);
  if (there !== undefined && there.head.Metadata?.['dsx-restored'] !== findingHash(undo.finding)) {
    throw failed('destination_taken', `${shown(spot)} is taken by another object; move that away first`);
  }
  if (there === undefined) {
    if (kept === undefined) throw failed('not_found', `${shown(from)} is not there`);
    if (!ours) {
      const note = `${shown(from)} is not what was moved`;
      throw new Stop({ state: 'refused', code: 'version_changed', note });
    }
    there = await bringBack(work, from, kept, undo);
  }
  if (kept !== undefined && ours) {
    await verifyCopy(work, kept, there, spot, undo.sha256);
    const purged = work.settings.purge === true ? kept.versionId : undefined;
    if (await removeObject(work, from, kept, purged)) {
      throw new ConnectorError('storage_error', `${shown(from)} changed while it was put back; look at it`);
    }
  }
  return {
    state: 'done',
    code: kept === undefined ? 'already_applied' : 'applied',
    ...noted(NOT_RESTORED, kept && lostOf(kept)),
    destination: `s3://${spot.bucket}/${spot.key}`,
    made: [versionOf(there)],
  };
}

async function bringBack(work: Work, from: Spot, kept: Facts, undo: Undo): Promise<Facts> {
  const { spot } = work;
  const metadata: Metadata = {
    ...theirMetadata(kept.head.Metadata),
    'dsx-restored': findingHash(undo.finding),
  };
  const storageClass = kept.head.Metadata?.['dsx-storage-class'];
  await copyObject(work, {
    from,
    source: kept,
    to: spot,
    metadata,
    headers: headersOf(kept.head),
    tags: tagsQuery(theirTags(await readTags(work, from, kept.versionId))),
    ...(storageClass !== undefined && { storageClass: storageClass as StorageClass }),
  });
  const there = await factsAt(work.client, spot, work.signal);
  if (there !== undefined) return there;
  throw new ConnectorError('storage_error', `${shown(spot)} is not there after it was copied`);
}
