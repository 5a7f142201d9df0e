import { failed, noted, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import type { DriveItem } from '../drive-item.ts';
import { itemWithId } from '../places.ts';
import { pinnedBy } from '../version.ts';
import { seek } from './find.ts';
import { isMarked, removeMark, writeMark } from './marks.ts';
import { type ActionWork, changeItem, notInPlace, nowThere } from './work.ts';

/** An item that others change again and again is left to the next scan. */
const TRIES = 4;
const REMAINS = 'it lies in the recycle bin of the site, with its earlier versions, until that is emptied';

/** `delete`: into the recycle bin, with a mark below quarantine first, so that a repeated intent that finds nothing knows that it was ours. */
export async function deleteItem(work: ActionWork): Promise<ActionReport> {
  const { provenance } = work.intent;
  let marked = false;
  for (let attempt = 1; ; attempt++) {
    const { current, judged, elsewhere } = await seek(work);
    if (judged === undefined) {
      const gone = elsewhere === undefined && current?.id !== pinnedBy(work.intent.judged.version)?.id;
      if (gone && !marked && (await isMarked(work, 'deleted')))
        return { ...done('already_applied'), ...nowThere(work, current) };
      if (marked) await removeMark(work, 'deleted');
      throw notInPlace(work, current);
    }
    if (await isMarked(work, 'restored')) {
      throw notInPlace(work, judged, 'it was moved and put back since it was judged; the next scan judges it anew');
    }
    if (!marked) await writeMark(work, 'deleted', provenance);
    marked = true;
    try {
      const answer = await changeItem(work, judged, { method: 'DELETE', doing: 'deleting' }, [404, 412]);
      if (answer.status === 204 || answer.status === 200) {
        await expectGone(work, judged);
        return done('applied');
      }
    } catch (error) {
      if (error instanceof Stop) await removeMark(work, 'deleted');
      throw error;
    }
    if (attempt === TRIES) {
      await removeMark(work, 'deleted');
      throw failed('storage_error', 'others change it again and again');
    }
  }
}

/** What the drive says afterwards counts. @throws ConnectorError `storage_error`; the mark stays, for the drive may know better later */
async function expectGone({ client, drive, location, signal }: ActionWork, { id, cTag }: DriveItem): Promise<void> {
  const now = await itemWithId(client, drive, id, signal);
  if (now === undefined || now.cTag !== cTag) return;
  throw new ConnectorError('storage_error', `${JSON.stringify(location)} is still there after its deletion`);
}

function done(code: 'applied' | 'already_applied'): ActionReport {
  return { state: 'done', code, ...noted(REMAINS) };
}
