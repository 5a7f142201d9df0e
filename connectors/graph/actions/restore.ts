import { z } from 'zod';
import type { ActionRow } from '../../../domain/action.ts';
import { failed, noted, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { type DriveItem, driveItemOf } from '../drive-item.ts';
import { isWithin } from '../names.ts';
import { itemAt } from '../places.ts';
import { pinnedBy, versionOf } from '../version.ts';
import { ensureFolder } from './folder.ts';
import { writeMark } from './marks.ts';
import { changeItem, destinationNames, isVersion, type Work } from './work.ts';

const TRIES = 4;

/** What a move leaves in its action row; `version` is the one that the item had in quarantine. */
const UNDO = z.object({
  kind: z.literal('graph-move'),
  drive: z.string(),
  item: z.string(),
  version: z.string(),
  destination: z.string(),
});

/** Moves a quarantined item back to its folder and name, when that name is free and its content is the one that was moved. */
export async function restoreItem(work: Work, row: ActionRow): Promise<ActionReport> {
  const parsed = UNDO.safeParse(row.undo);
  if (!parsed.success || pinnedBy(parsed.data.version)?.id !== parsed.data.item) {
    throw failed('not_supported', 'the action row has nothing in it that could be undone here');
  }
  const undo = parsed.data;
  if (undo.drive !== work.drive.id)
    throw failed('not_supported', 'it was moved in another drive than the connector has now');
  const from = destinationNames(work.drive, undo.destination);
  for (let attempt = 1; ; attempt++) {
    const kept = await itemAt(work.client, work.drive, from, work.signal);
    const there = await itemAt(work.client, work.drive, work.names, work.signal);
    if (there?.id === undo.item) return done(work, there, 'already_applied');
    if (kept?.id !== undo.item) {
      throw failed('not_found', `${from.join('/')} is not there any more, or is another item`);
    }
    if (there) throw taken(work);
    if (!isVersion(kept, undo.version)) {
      const note = `${from.join('/')} has another content than was moved there`;
      throw new Stop({ state: 'refused', code: 'version_changed', note });
    }
    const back = await bringBack(work, kept);
    if (back) return back;
    if (attempt === TRIES) throw failed('storage_error', 'others change it again and again');
  }
}

async function bringBack(work: Work, kept: DriveItem): Promise<ActionReport | undefined> {
  const above = work.names.slice(0, -1);
  const { folder, made } = await ensureFolder(work.client, work.drive, above, work.signal);
  await writeMark(work, 'restored');
  const body = {
    parentReference: { id: folder.id },
    name: work.names.at(-1),
    '@microsoft.graph.conflictBehavior': 'fail',
  };
  const answer = await changeItem(work, kept, { method: 'PATCH', body, doing: 'restoring' }, [404, 409, 412]);
  if (answer.status === 409) throw taken(work);
  if (answer.status !== 200) return undefined;
  const moved = driveItemOf(answer.body, 'restoring');
  const there = await itemAt(work.client, work.drive, work.names, work.signal);
  if (there?.id !== moved.id) {
    throw failed('storage_error', `${work.location} is not what was moved back; look for item ${moved.id}`);
  }
  const anew = isWithin(above, work.drive.folder) && made ? `its folder was gone and was made anew` : undefined;
  return done(work, there, 'applied', anew);
}

function taken(work: Work): Stop {
  return failed('destination_taken', `${JSON.stringify(work.location)} is taken by another item; move that away first`);
}

function done(work: Work, there: DriveItem, code: 'applied' | 'already_applied', note?: string): ActionReport {
  const { id, cTag = '' } = there;
  return {
    state: 'done',
    code,
    ...noted(note),
    destination: work.location,
    made: [versionOf({ id, cTag })],
  };
}
