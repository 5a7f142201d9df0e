import fs from 'node:fs/promises';
import { systemCode } from '../../../domain/errors.ts';
import type { Item } from '../../../domain/item.ts';
import { failed, type Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { closeFd, fstat } from '../calls.ts';
import { factsAt, hasNoLinks, link, renameNew, syncFolder, unlink, writeOver } from '../durable.ts';
import { hashAt, hashOf } from '../hash.ts';
import { folderOf, nameOf, pathOf, readable } from '../names.ts';
import { hashOfName, SIDE_CAR_END, sideCarBytes } from '../side-car.ts';
import { sameButChangeTime } from '../version.ts';
import { type Destination, destinationOf, type QuarantineRecord, readRecord, recordIntent } from './quarantine.ts';
import { tagsOf } from './tag.ts';
import { ended, grasp, type Held, notHeld, orGiveBack, otherNames, patience, replacement, take } from './take.ts';
import { type ActionWork, type ItemFolder, sameFile, step } from './work.ts';

/** A quarantined file: nobody runs or changes it by accident. */
const QUARANTINED_MODE = 0o400;

/** `move` and `movetag`: into quarantine, the record of it first. */
export async function moveItem(work: ActionWork, folder: ItemFolder): Promise<ActionReport> {
  await step(work, 'make-quarantine');
  const to = await destinationOf(work);
  const earlier = await placed(work, to);
  const found = await grasp(work, folder);
  if (found.kind !== 'held') {
    const stillThere = found.kind === 'changed' && sameButChangeTime(work.intent.judged.version, found.facts);
    if (!earlier || stillThere) return notHeld(found);
    await step(work, 'protect');
    await protect(to);
    return done(to, earlier, 'already_applied', await replacement(work, folder));
  }
  const { held } = found;
  let record = earlier;
  let inPlace = earlier !== undefined;
  try {
    await orGiveBack(work, folder, held, async () => {
      if (!inPlace) await enoughSpace(work, to, held);
      await step(work, 'write-record');
      record = await recordIntent(work, to, held.facts);
      if (work.intent.action === 'movetag') await writeTags(work, to);
      await take(work, folder, held);
      if (!inPlace) await put(work, folder, held, to);
      inPlace = true;
      await syncFolder(folderOf(to.path));
      await step(work, 'unlink-aside');
      await unlink(folder.aside);
    });
  } catch (error) {
    if (!held.taken) await withdraw(work, to, inPlace);
    throw error;
  } finally {
    closeFd(held.fd);
  }
  await syncFolder(folder.inside);
  await step(work, 'protect');
  await protect(to);
  const there = await factsAt(to.path);
  if (!there || !record) throw failed('storage_error', `${readable(to.path)} is not there after the move`);
  const links = sameFile(there, held.facts) ? undefined : otherNames(held.facts);
  return done(to, record, 'applied', await replacement(work, folder), links);
}

function done(
  to: Destination,
  record: QuarantineRecord,
  code: 'applied' | 'already_applied',
  current: Item | undefined,
  ...notes: (string | undefined)[]
): ActionReport {
  const { provenance, judged, mode, uid, gid, mtimeNs, atimeNs, finding } = record;
  return {
    state: 'done',
    code,
    ...ended(current, ...notes),
    destination: readable(to.path),
    undo: {
      kind: 'filesystem-move',
      destination: to.relative,
      finding,
      sha256: provenance.sha256,
      size: judged.size,
      mode,
      uid,
      gid,
      mtimeNs,
      atimeNs,
    },
  };
}

/** The record of this finding when its bytes are in quarantine already. @throws Stop `destination_taken` for anything else there */
async function placed(work: ActionWork, to: Destination): Promise<QuarantineRecord | undefined> {
  const there = await factsAt(to.path);
  if (!there) return undefined;
  const record = await readRecord(to.record);
  const ours = record?.finding === work.finding && there.isFile();
  if (ours && (await hashAt(to.path, work.signal)) === work.intent.provenance.sha256) return record;
  throw taken(to);
}

/** Across devices the bytes are copied: what can't fit is told before anything is touched. */
async function enoughSpace(work: ActionWork, to: Destination, held: Held): Promise<void> {
  const folder = await factsAt(folderOf(to.path));
  if (!folder || folder.dev === held.facts.dev) return;
  const { bavail, bsize } = await fs.statfs(pathOf(folderOf(to.path)), { bigint: true });
  if (bavail * bsize < held.facts.size) {
    const note = `quarantine has ${bavail * bsize} bytes free, the item has ${work.intent.judged.size}; make room`;
    throw failed('no_space', note);
  }
}

async function writeTags(work: ActionWork, to: Destination): Promise<void> {
  const car = { file: hashOfName(nameOf(to.path)), version: work.intent.judged.version, tags: tagsOf(work.intent) };
  await step(work, 'write-tags');
  await writeOver(to.path + SIDE_CAR_END, sideCarBytes(car), 0o600);
}

/** Gives the bytes their place in quarantine: as the same file where that can be, else as a verified copy. */
async function put(work: ActionWork, folder: ItemFolder, held: Held, to: Destination): Promise<void> {
  // Another name of the same file would lose its permissions with it: then quarantine gets a copy.
  if ((await fstat(held.fd)).nlink === 1n) {
    await step(work, 'link-destination');
    try {
      return await link(folder.aside, to.path);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw taken(to);
      if (!hasNoLinks(error)) throw error;
    }
  }
  await copy(work, held, to);
}

/** Last, because a crash before it must not leave the item in its old place with other permissions. */
async function protect(to: Destination): Promise<void> {
  await unlink(`${to.path}.part`);
  await fs.chmod(pathOf(to.path), QUARANTINED_MODE);
}

async function copy(work: ActionWork, held: Held, to: Destination): Promise<void> {
  const part = `${to.path}.part`;
  await step(work, 'copy');
  await unlink(part);
  try {
    const out = await fs.open(pathOf(part), 'wx+', 0o600);
    try {
      const read = await hashOf(held.fd, patience(work), (chunk) => out.writeFile(chunk));
      await out.utimes(Number(held.facts.atimeNs) / 1e9, Number(held.facts.mtimeNs) / 1e9);
      await out.chmod(QUARANTINED_MODE);
      await out.sync();
      const { sha256 } = work.intent.provenance;
      if (read !== sha256) throw failed('storage_error', 'its bytes changed while they were copied');
      if ((await hashOf(out.fd, patience(work))) !== sha256)
        throw failed('storage_error', 'the copy has other bytes than the item');
    } finally {
      await out.close();
    }
    await step(work, 'place-copy');
    await renameNew(part, to.path);
  } catch (error) {
    await unlink(part).catch(() => {});
    if (systemCode(error) === 'EEXIST') throw taken(to);
    throw error;
  }
}

function taken(to: Destination): Stop {
  return failed('destination_taken', `${readable(to.path)} is something else, and stays as it is`);
}

/** Takes back what was written into quarantine, once the item has its name again. */
async function withdraw(work: ActionWork, to: Destination, inPlace: boolean): Promise<void> {
  const record = await readRecord(to.record).catch(() => undefined);
  if (record?.finding !== work.finding) return;
  const ours = [to.path + SIDE_CAR_END, to.record, ...(inPlace ? [to.path] : [])];
  for (const path of ours) await unlink(path).catch(() => {});
}
