import type { BigIntStats } from 'node:fs';
import { messageOf, systemCode } from '../../../domain/errors.ts';
import type { Item } from '../../../domain/item.ts';
import { failed, noted, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { closeFd, fstat, lstat } from '../calls.ts';
import { factsAt, rename, renameNew, unlink } from '../durable.ts';
import { itemOf } from '../entry.ts';
import { hashOf } from '../hash.ts';
import { joined, readable } from '../names.ts';
import { openFile } from '../place.ts';
import { sameButChangeTime, versionOf } from '../version.ts';
import { type ActionWork, type ItemFolder, reportOf, sameFile, step } from './work.ts';

/**
 * Taking an item away, so that exactly the judged bytes go:
 * 1. its folder is held open, and the item opened without following a link; its whole version must be the judged one;
 * 2. it is renamed to a private name beside it. From here on no name of others leads to it;
 * 3. what has the private name must be the open file, with the size and modification time that were judged (a rename moves the
 *    change time), and its bytes must have the judged SHA-256, unchanged from the first to the last byte;
 * 4. on any difference or failure it gets its name back, unless another file has taken it meanwhile.
 * A private name that a crash left behind says how far the attempt came, and the next one goes on from it.
 */
export interface Held {
  readonly fd: number;
  readonly facts: BigIntStats;
  /** It has the private name. */
  taken: boolean;
}

export type Grasp =
  | { readonly kind: 'held'; readonly held: Held }
  /** Nothing is there. */
  | { readonly kind: 'gone' }
  /** Something else is there. */
  | { readonly kind: 'changed'; readonly facts: BigIntStats; readonly current?: Item };

/** Opens the judged version, under its own name or the private one. @throws system errors */
export async function grasp(work: ActionWork, folder: ItemFolder): Promise<Grasp> {
  const left = await factsAt(folder.aside);
  if (left) {
    const held = await resume(work, folder, left);
    if (held) return { kind: 'held', held };
  }
  let fd: number;
  try {
    fd = await openFile(folder.item);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return { kind: 'gone' };
    // A link, a FIFO or a device: not what was judged.
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'ENODEV') return changed(work, await lstat(folder.item));
    throw error;
  }
  const facts = await fstat(fd);
  if (facts.isFile() && versionOf(facts) === work.intent.judged.version) {
    return { kind: 'held', held: { fd, facts, taken: false } };
  }
  closeFd(fd);
  return changed(work, facts);
}

function changed(work: ActionWork, facts: BigIntStats): Grasp {
  if (facts.isDirectory()) return { kind: 'changed', facts };
  return { kind: 'changed', facts, current: itemOf(work.location, facts, undefined) };
}

/** The report on an item that is not there in the judged version. */
export function notHeld(found: Exclude<Grasp, { kind: 'held' }>): ActionReport {
  if (found.kind === 'gone') {
    return {
      state: 'failed',
      code: 'not_found',
      note: 'nothing is there, and nothing shows that this intent took it away',
    };
  }
  const note = 'what is in place is not what was judged';
  return { state: 'refused', code: 'version_changed', note, ...(found.current && { current: found.current }) };
}

/** A file that has taken the item's name meanwhile. */
export async function replacement(work: ActionWork, folder: ItemFolder): Promise<Item | undefined> {
  const now = await factsAt(folder.item);
  return now && !now.isDirectory() ? itemOf(work.location, now, undefined) : undefined;
}

/** The end of the report on an item that was taken away: what is to be said, and what has its name now. */
export function ended(
  current: Item | undefined,
  ...notes: (string | undefined)[]
): Pick<ActionReport, 'note' | 'current'> {
  return { ...noted(...notes, current && 'another file has its name now'), ...(current && { current }) };
}

/** Tells of other hard links to the file, as it was before. */
export function otherNames(facts: BigIntStats): string | undefined {
  return facts.nlink > 1n ? `${facts.nlink - 1n} other name(s) of the same file remain` : undefined;
}

/** Goes on from a private name: the judged file is taken already, anything else is given back first. */
async function resume(work: ActionWork, folder: ItemFolder, left: BigIntStats): Promise<Held | undefined> {
  const own = await factsAt(folder.item);
  if (own && sameFile(own, left)) {
    // A crash while it was given back: both names are there.
    await step(work, 'unlink-aside');
    await unlink(folder.aside);
    return undefined;
  }
  if (left.isFile() && sameButChangeTime(work.intent.judged.version, left)) {
    const fd = await openFile(folder.aside);
    const facts = await fstat(fd);
    if (sameFile(facts, left)) return { fd, facts, taken: true };
    closeFd(fd);
  }
  const note = await giveBack(work, folder);
  if (note !== undefined) throw failed('storage_error', note);
  return undefined;
}

/** Steps 2 and 3. @throws Stop `version_changed` when another version was met; the item is then still aside if `held.taken` */
export async function take(work: ActionWork, folder: ItemFolder, held: Held): Promise<void> {
  if (!held.taken) {
    work.signal.throwIfAborted();
    await step(work, 'rename-aside');
    try {
      await rename(folder.item, folder.aside);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw failed('not_found', 'it was taken away while we were about to act');
      throw error;
    }
    held.taken = true;
  }
  const there = await lstat(folder.aside);
  const same = sameFile(there, held.facts) && sameButChangeTime(work.intent.judged.version, await fstat(held.fd));
  if (!same || (await hashOf(held.fd, patience(work))) !== work.intent.provenance.sha256) {
    throw new Stop({ state: 'refused', code: 'version_changed', note: 'what was in place is not what was judged' });
  }
}

/** Gives what is aside its own name back. Undefined when it has it, else a sentence that says where it is. */
export async function giveBack(work: ActionWork, folder: ItemFolder): Promise<string | undefined> {
  await work.settings.beforeStep?.('give-back');
  try {
    const aside = await factsAt(folder.aside);
    if (aside?.isDirectory() && (await factsAt(folder.item)) === undefined) await rename(folder.aside, folder.item);
    else if (aside) await renameNew(folder.aside, folder.item);
    return undefined;
  } catch (error) {
    const where = JSON.stringify(readable(joined(folder.path, folder.asideName)));
    if (systemCode(error) === 'EEXIST') return `a newer file has its name, so it stays at ${where}`;
    return `it could not be given its name back and stays at ${where}: ${messageOf(error)}`;
  }
}

/**
 * Once an item is aside, an abort stops only what would take long: giving it back costs a new version, and with it a new scan.
 */
export function patience(work: ActionWork): AbortSignal {
  return work.intent.judged.size > LONG ? work.signal : NEVER;
}
const LONG = 256 * 1024 * 1024;
const NEVER = new AbortController().signal;

/**
 * Runs what an action does with an item in hand. When that fails the item is given back, and the report says where it is and
 * which version that made.
 * @throws Stop, and what `reportOf` throws
 */
export async function orGiveBack(
  work: ActionWork,
  folder: ItemFolder,
  held: Held,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!held.taken) throw error;
    const note = await giveBack(work, folder);
    held.taken = note !== undefined;
    const report = reportOf(error, work);
    const now = await factsAt(folder.item);
    const ours = now && sameFile(now, held.facts) && sameButChangeTime(work.intent.judged.version, now);
    throw new Stop({
      ...report,
      ...noted(report.note, note),
      ...(report.code !== 'version_changed' && ours && { made: [versionOf(now)] }),
      ...(report.code === 'version_changed' &&
        now &&
        !now.isDirectory() && { current: itemOf(work.location, now, undefined) }),
    });
  }
}
