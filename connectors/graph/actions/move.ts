import { failed, noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { type DriveItem, driveItemOf } from '../drive-item.ts';
import { itemAt } from '../places.ts';
import { versionOf } from '../version.ts';
import { seek } from './find.ts';
import { ensureFolder } from './folder.ts';
import { isMarked } from './marks.ts';
import { type ActionWork, changeItem, destinationNames, notInPlace, nowThere } from './work.ts';

/** An item that others change again and again is left to the next scan. */
const TRIES = 4;
const STAYS = 'its earlier versions, columns, and the permissions and sharing links of its own went with it';

/** `move`: one conditional change of folder and name within the drive, so that there is never a copy to verify or a rest to remove. */
export async function moveItem(work: ActionWork): Promise<ActionReport> {
  const names = destinationNames(work.drive, work.intent.destination);
  for (let attempt = 1; ; attempt++) {
    const { current, judged, elsewhere } = await seek(work);
    if (judged === undefined) {
      // Nobody but this intent gives that item this name.
      const kept = elsewhere && (await itemAt(work.client, work.drive, names, work.signal));
      if (kept && kept.id === elsewhere.id) {
        return { ...done(work, kept, 'already_applied'), ...nowThere(work, current) };
      }
      throw notInPlace(work, current);
    }
    if (await isMarked(work, 'restored')) {
      throw notInPlace(work, judged, 'it was moved and put back since it was judged; the next scan judges it anew');
    }
    const { folder } = await ensureFolder(work.client, work.drive, names.slice(0, -1), work.signal);
    const body = {
      parentReference: { id: folder.id },
      name: names.at(-1),
      '@microsoft.graph.conflictBehavior': 'fail',
    };
    const answer = await changeItem(work, judged, { method: 'PATCH', body, doing: 'moving' }, [404, 409, 412]);
    if (answer.status === 409) {
      throw failed('destination_taken', `${names.join('/')} is something else, and stays as it is`);
    }
    if (answer.status === 200) return confirmed(work, driveItemOf(answer.body, 'moving'), names);
    if (attempt === TRIES) throw failed('storage_error', 'others change it again and again');
  }
}

/** What the drive says afterwards counts, not what it was told to do. */
async function confirmed(work: ActionWork, moved: DriveItem, names: readonly string[]): Promise<ActionReport> {
  const there = await itemAt(work.client, work.drive, names, work.signal);
  if (there?.id === moved.id) return done(work, there, 'applied');
  throw failed('storage_error', `${names.join('/')} is not what was moved there; look for item ${moved.id}`);
}

/** The version that a move makes is none where the drive keeps to its word, that a cTag changes with the content alone. */
function done(work: ActionWork, kept: DriveItem, code: 'applied' | 'already_applied'): ActionReport {
  const { drive, intent } = work;
  const { id, cTag } = kept;
  const version = cTag === undefined ? intent.judged.version : versionOf({ id, cTag });
  const destination = intent.destination ?? '';
  return {
    state: 'done',
    code,
    ...noted(STAYS),
    destination: [...drive.quarantine, ...destination.split('/')].join('/'),
    ...(version !== intent.judged.version && { made: [version] }),
    undo: { kind: 'graph-move', drive: drive.id, item: id, version, destination },
  };
}
