import { failed } from '../../action-stop.ts';
import type { DriveItem } from '../drive-item.ts';
import { isInAsset } from '../folders.ts';
import { itemAt, itemWithId } from '../places.ts';
import { pinnedBy } from '../version.ts';
import { type ActionWork, isVersion } from './work.ts';

/** What there is of a judged item. */
export interface Sought {
  /** What lies at its location now. */
  readonly current: DriveItem | undefined;
  /** The judged version, where it is in place: at its location, or where nothing is there, in a folder of the asset that was renamed. */
  readonly judged: DriveItem | undefined;
  /** The judged item, whatever its version, where it lies elsewhere. */
  readonly elsewhere: DriveItem | undefined;
}

/** Looks at the location, and for the judged item by its id where it is not there. @throws Stop for what is no version of ours */
export async function seek(work: ActionWork): Promise<Sought> {
  const { client, drive, names, signal, intent } = work;
  const pinned = pinnedBy(intent.judged.version);
  if (pinned === undefined) throw failed('not_supported', `${intent.judged.version} is no version of a drive item`);
  const current = await itemAt(client, drive, names, signal);
  const isJudged = isVersion(current, intent.judged.version);
  if (isJudged || current?.id === pinned.id) {
    return { current, judged: isJudged ? current : undefined, elsewhere: undefined };
  }
  const elsewhere = await itemWithId(client, drive, pinned.id, signal);
  const followed =
    current === undefined &&
    isVersion(elsewhere, intent.judged.version) &&
    elsewhere !== undefined &&
    (await isInAsset(client, drive, elsewhere, signal));
  return { current, judged: followed ? elsewhere : undefined, elsewhere };
}
