import type { ActionIntent } from '../../../domain/action.ts';
import { systemCode } from '../../../domain/errors.ts';
import { failed, findingHash } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { closeFd } from '../calls.ts';
import { factsAt, unlink, writeNew, writeOver } from '../durable.ts';
import { itemOf } from '../entry.ts';
import { joined, nameOf, type Raw, readable } from '../names.ts';
import { hashOfName, readSideCar, type SideCar, sideCarBytes, sideCarName, type Tags, tagValue } from '../side-car.ts';
import { versionOf } from '../version.ts';
import { grasp, notHeld } from './take.ts';
import { type ActionWork, type ItemFolder, step } from './work.ts';

const MODE = 0o644;

/** The tags that a finding puts on its item. */
export function tagsOf(intent: ActionIntent): Tags {
  const { verdict, threatType, job, sha256, scanId, standIn, judgedAt } = intent.provenance;
  return {
    'dsx-verdict': tagValue(verdict),
    ...(threatType !== undefined && { 'dsx-threat': tagValue(threatType) }),
    ...(scanId !== undefined && { 'dsx-scan-id': tagValue(scanId) }),
    'dsx-finding': tagValue(intent.finding),
    'dsx-job': tagValue(job),
    'dsx-sha256': tagValue(sha256),
    'dsx-judged-at': tagValue(judgedAt),
    'dsx-stand-in': String(standIn),
  };
}

/** `tag`: a side-car beside the item. The version is looked at before and after; a change between is told. */
export async function tagItem(work: ActionWork, folder: ItemFolder): Promise<ActionReport> {
  const found = await grasp(work, folder);
  if (found.kind !== 'held') return notHeld(found);
  closeFd(found.held.fd);

  const name = nameOf(work.location);
  const path = joined(folder.inside, sideCarName(name));
  const part = joined(folder.inside, `.dsx-${findingHash(work.finding)}.part`);
  const before = await existing(path, folder);
  const car: SideCar = {
    file: hashOfName(name),
    version: work.intent.judged.version,
    tags: { ...before?.tags, ...tagsOf(work.intent) },
  };
  if (before && sideCarBytes(before).equals(sideCarBytes(car))) {
    // An attempt that was cut short may have left the name that it wrote under.
    await unlink(part);
    return { state: 'done', code: 'already_applied' };
  }
  await step(work, 'write-side-car');
  if (before) await writeOver(path, sideCarBytes(car), MODE, part);
  else if (!(await writeNew(path, sideCarBytes(car), MODE, part))) {
    throw failed('destination_taken', `${readable(nameOf(path))} has come to be meanwhile`);
  }

  const now = await factsAt(folder.item);
  if (now && versionOf(now) === work.intent.judged.version) return { state: 'done', code: 'applied' };
  await step(work, 'withdraw-side-car');
  if (before) await writeOver(path, sideCarBytes(before), MODE, part);
  else await unlink(path);
  return {
    state: 'refused',
    code: 'version_changed',
    note: 'the item changed while its side-car was written; the side-car is as it was before',
    ...(now && !now.isDirectory() && { current: itemOf(work.location, now, undefined) }),
  };
}

/** The side-car that is there. @throws Stop `destination_taken` when a file that is none of ours has its name */
async function existing(path: Raw, folder: ItemFolder): Promise<SideCar | undefined> {
  const taken = failed(
    'destination_taken',
    `${JSON.stringify(readable(joined(folder.path, nameOf(path))))} is none of our side-cars`,
  );
  try {
    const car = await readSideCar(path);
    if (car === undefined) throw taken;
    return car;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === 'ELOOP' || systemCode(error) === 'ENXIO') throw taken;
    throw error;
  }
}
