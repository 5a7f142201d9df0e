import type { BigIntStats } from 'node:fs';
import fs from 'node:fs/promises';
import { z } from 'zod';
import type { ActionRow } from '../../../domain/action.ts';
import { systemCode } from '../../../domain/errors.ts';
import { failed, findingHash, noted, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { closeFd, lstat } from '../calls.ts';
import { factsAt, hasNoLinks, link, renameNew, syncFolder, unlink } from '../durable.ts';
import { hashAt, hashOf } from '../hash.ts';
import { folderOf, joined, pathOf, type Raw, readable } from '../names.ts';
import { absolute, openFile, realish } from '../place.ts';
import { SIDE_CAR_END } from '../side-car.ts';
import { versionOf } from '../version.ts';
import { type Destination, inQuarantine, quarantinePath } from './quarantine.ts';
import { type ItemFolder, openItemFolder, sameFile, step, type Work } from './work.ts';

const QUARANTINED_MODE = 0o400;
/** Set-user-id, set-group-id: they mean nothing good under another owner. */
const SET_ID = 0o6000;

/** What a move leaves in its action row. */
const UNDO = z.object({
  kind: z.literal('filesystem-move'),
  destination: z.string(),
  finding: z.string(),
  sha256: z.string(),
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  mtimeNs: z.string().regex(/^-?\d+$/),
  atimeNs: z.string().regex(/^-?\d+$/),
});
type Undo = z.infer<typeof UNDO>;

/** Puts a moved item back under its own name, when that name is free and the bytes in quarantine are those that were moved. */
export async function restoreItem(work: Work, row: ActionRow): Promise<ActionReport> {
  const parsed = UNDO.safeParse(row.undo);
  if (!parsed.success) throw failed('not_supported', 'the action row has nothing in it that could be undone here');
  const undo = parsed.data;
  if (work.settings.quarantine === undefined) throw failed('not_supported', 'the connector has no quarantine folder');
  const from = inQuarantine(await quarantinePath(work.settings), undo.destination);
  await makeParents(work);
  const folder = await openItemFolder(work);
  try {
    return await restoreInto(work, folder, from, undo);
  } finally {
    closeFd(folder.fd);
  }
}

async function restoreInto(work: Work, folder: ItemFolder, from: Destination, undo: Undo): Promise<ActionReport> {
  const kept = await factsAt(from.path);
  const own = await factsAt(folder.item);
  const back =
    own?.isFile() && ((kept && sameFile(own, kept)) || (await hashAt(folder.item, work.signal)) === undo.sha256);
  if (own && !back) {
    throw failed(
      'destination_taken',
      `${JSON.stringify(readable(work.location))} is taken by another file; move that away first`,
    );
  }
  if (!kept && !own) throw failed('not_found', `${readable(from.path)} is not there`);
  let note: string | undefined;
  if (!own) {
    const same = kept?.isFile() && (await hashAt(from.path, work.signal)) === undo.sha256;
    if (!same)
      throw new Stop({
        state: 'refused',
        code: 'version_changed',
        note: `${readable(from.path)} has other bytes than were moved`,
      });
    note = await bringBack(work, folder, from, undo);
    await syncFolder(folder.inside);
  }
  await step(work, 'unlink-quarantined');
  await unlink(from.path);
  await step(work, 'unlink-record');
  for (const path of [from.path + SIDE_CAR_END, from.record, joined(folder.inside, partName(undo))]) await unlink(path);
  await syncFolder(folderOf(from.path));
  const facts = await lstat(folder.item);
  return {
    state: 'done',
    code: kept ? 'applied' : 'already_applied',
    ...noted(note),
    destination: readable(absolute(work.place, work.location)),
    made: [versionOf(facts)],
  };
}

function partName(undo: Undo): Raw {
  return `.dsx-${findingHash(undo.finding)}.restoring`;
}

async function bringBack(work: Work, folder: ItemFolder, from: Destination, undo: Undo): Promise<string | undefined> {
  const taken = () =>
    failed('destination_taken', `${JSON.stringify(readable(work.location))} has come to be meanwhile`);
  await step(work, 'restore-facts');
  const note = await giveFacts(from.path, undo);
  await step(work, 'link-original');
  try {
    await link(from.path, folder.item);
    return note;
  } catch (error) {
    await fs.chmod(pathOf(from.path), QUARANTINED_MODE);
    if (systemCode(error) === 'EEXIST') throw taken();
    if (!hasNoLinks(error)) throw error;
  }
  const part = joined(folder.inside, partName(undo));
  await step(work, 'copy-back');
  try {
    const copied = await copyBack(work, from, part, undo);
    await step(work, 'place-original');
    await renameNew(part, folder.item);
    return copied;
  } catch (error) {
    await unlink(part).catch(() => {});
    if (systemCode(error) === 'EEXIST') throw taken();
    throw error;
  }
}

async function copyBack(work: Work, from: Destination, part: Raw, undo: Undo): Promise<string | undefined> {
  await unlink(part);
  const source = await openFile(from.path);
  try {
    const out = await fs.open(pathOf(part), 'wx+', 0o600);
    try {
      await hashOf(source, work.signal, (chunk) => out.writeFile(chunk));
      await out.sync();
      if ((await hashOf(out.fd, work.signal)) !== undo.sha256)
        throw failed('storage_error', 'the copy has other bytes');
    } finally {
      await out.close();
    }
  } finally {
    closeFd(source);
  }
  return giveFacts(part, undo);
}

/** Owner, permissions and times, to the microsecond. Returns what could not be given back. */
async function giveFacts(path: Raw, undo: Undo): Promise<string | undefined> {
  const before: BigIntStats = await lstat(path);
  let owned = before.uid === BigInt(undo.uid) && before.gid === BigInt(undo.gid);
  if (!owned) {
    owned = await fs.lchown(pathOf(path), undo.uid, undo.gid).then(
      () => true,
      () => false,
    );
  }
  await fs.chmod(pathOf(path), owned ? undo.mode : undo.mode & ~SET_ID);
  const drift = before.mtimeNs - BigInt(undo.mtimeNs);
  if (drift > 1_000n || drift < -1_000n) {
    await fs.utimes(pathOf(path), Number(undo.atimeNs) / 1e9, Number(undo.mtimeNs) / 1e9);
  }
  return owned ? undefined : `its owner (${undo.uid}:${undo.gid}) could not be given back`;
}

/** The folders that the item was in, where somebody has removed them. */
async function makeParents(work: Work): Promise<void> {
  const folder = folderOf(absolute(work.place, work.location));
  if ((await realish(folder)) !== folder)
    throw failed('not_supported', `${readable(folder)} is reached through a link`);
  if ((await factsAt(folder)) === undefined) {
    await step(work, 'make-folders');
    await fs.mkdir(pathOf(folder), { recursive: true });
  }
}
