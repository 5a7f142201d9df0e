import type { Provenance } from '../../../domain/action.ts';
import { findingHash } from '../../action-stop.ts';
import { encoded, itemAddress } from '../names.ts';
import { itemAt } from '../places.ts';
import { ensureFolder } from './folder.ts';
import type { Work } from './work.ts';

/**
 * Marks are small files below quarantine, one a finding: what we did, so that a repeated intent knows it. `deleted` is written
 * before a deletion, `restored` before an item is put back under its name with the very version that was judged.
 */
export type Mark = 'deleted' | 'restored';

function namesOf({ drive, finding }: Work, mark: Mark): string[] {
  return [...drive.quarantine, `.${mark}`, `${findingHash(finding)}.json`];
}

export async function isMarked(work: Work, mark: Mark): Promise<boolean> {
  return (await itemAt(work.client, work.drive, namesOf(work, mark), work.signal)) !== undefined;
}

/** Writes the mark; one that is there is written over with the same. */
export async function writeMark(work: Work, mark: Mark, provenance?: Provenance): Promise<void> {
  const { client, drive, signal, finding, location } = work;
  const names = namesOf(work, mark);
  const { folder } = await ensureFolder(client, drive, names.slice(0, -1), signal);
  await client.ask(
    {
      method: 'PUT',
      path: `${itemAddress(drive.id, folder.id)}:/${encoded(names.at(-1) as string)}:/content`,
      body: JSON.stringify({
        format: 'dsx-connect/mark/1',
        [mark]: location,
        finding,
        ...(provenance && { provenance }),
      }),
      headers: { 'Content-Type': 'application/json' },
      doing: `marking ${JSON.stringify(location)} as ${mark} in ${drive.name}`,
      about: 'drive',
    },
    signal,
  );
}

/** Takes back a mark of what was not done after all. What keeps us from it is not worth a failure of its own. */
export async function removeMark(work: Work, mark: Mark): Promise<void> {
  const { client, drive, signal } = work;
  try {
    const found = await itemAt(client, drive, namesOf(work, mark), signal);
    if (found === undefined) return;
    const doing = 'removing a mark';
    await client.ask({ method: 'DELETE', path: itemAddress(drive.id, found.id), doing, accept: [404] }, signal);
  } catch {
    signal.throwIfAborted();
  }
}
