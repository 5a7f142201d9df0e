import type { BigIntStats } from 'node:fs';
import fs from 'node:fs/promises';
import type { ActionIntent, Provenance } from '../../../domain/action.ts';
import { systemCode } from '../../../domain/errors.ts';
import { failed, findingHash } from '../../action-stop.ts';
import { realpath } from '../calls.ts';
import { factsAt, writeNew } from '../durable.ts';
import { folderOf, isInside, joined, pathOf, type Raw, rawOf, readable, refOf } from '../names.ts';
import { type FilesystemSettings, realish } from '../place.ts';
import type { ActionWork } from './work.ts';

export const QUARANTINE_FORMAT = 'dsx-connect/quarantine/1';
/** What nobody but us enters. */
const FOLDER_MODE = 0o700;
const RECORD_MODE = 0o600;
const RECORD_MAX = 256 * 1024;

/** Where one item goes. */
export interface Destination {
  /** Absolute. */
  readonly path: Raw;
  /** Below the quarantine folder. */
  readonly relative: string;
  /** Absolute path of the record beside it. */
  readonly record: Raw;
}

/** What is written beside a quarantined item before anything is changed: all that brings it back. */
export interface QuarantineRecord {
  readonly format: typeof QUARANTINE_FORMAT;
  readonly finding: string;
  readonly action: ActionIntent['action'];
  readonly location: string;
  readonly locationBytes?: string;
  /** Absolute path that the item had. */
  readonly path: string;
  readonly judged: ActionIntent['judged'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: string;
  readonly atimeNs: string;
  readonly provenance: Provenance;
  readonly recordedAt: string;
}

/**
 * The real path of the quarantine folder, made when it is missing (mode 0700).
 * @throws Stop `not_supported` without a quarantine folder, the system error when it can't be made
 */
export async function openQuarantine(settings: FilesystemSettings): Promise<Raw> {
  if (settings.quarantine === undefined)
    throw failed('not_supported', `connector ${settings.id} has no quarantine folder`);
  const path = rawOf(settings.quarantine);
  await fs.mkdir(pathOf(path), { recursive: true, mode: FOLDER_MODE });
  return realpath(path);
}

/** The place of an item in quarantine, its folder made. @throws Stop for a name that would leave quarantine, system errors */
export async function destinationOf(work: ActionWork): Promise<Destination> {
  const quarantine = await openQuarantine(work.settings);
  const relative = work.intent.destination ?? findingHash(work.finding);
  const destination = inQuarantine(quarantine, relative);
  const folder = folderOf(destination.path);
  await fs.mkdir(pathOf(folder), { recursive: true, mode: FOLDER_MODE });
  if ((await realpath(folder)) !== folder)
    throw failed('not_supported', `${readable(folder)} is reached through a link`);
  return destination;
}

/** @throws Stop for a name that would leave quarantine */
export function inQuarantine(quarantine: Raw, relative: string): Destination {
  const raw = rawOf(relative);
  if (!isInside(raw))
    throw failed('not_supported', `${JSON.stringify(relative)} is no name inside the quarantine folder`);
  const path = joined(quarantine, raw);
  return { path, relative, record: `${path}.dsx.json` };
}

/** The real path of a quarantine folder that need not exist. */
export function quarantinePath(settings: FilesystemSettings): Promise<Raw> {
  return realish(rawOf(settings.quarantine ?? '/'));
}

/** The record at a path, undefined when there is none or it is none of ours. @throws the system error */
export async function readRecord(path: Raw): Promise<QuarantineRecord | undefined> {
  const facts = await factsAt(path);
  if (!facts?.isFile() || facts.size > RECORD_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await fs.readFile(pathOf(path), 'utf8'));
  } catch (error) {
    if (systemCode(error) === undefined || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const record = value as Partial<QuarantineRecord> | null;
  return record?.format === QUARANTINE_FORMAT && typeof record.finding === 'string'
    ? (record as QuarantineRecord)
    : undefined;
}

/** Writes the record, or keeps the one that an earlier attempt wrote. @throws Stop `destination_taken`, system errors */
export async function recordIntent(work: ActionWork, to: Destination, facts: BigIntStats): Promise<QuarantineRecord> {
  const record: QuarantineRecord = {
    format: QUARANTINE_FORMAT,
    finding: work.finding,
    action: work.intent.action,
    ...refOf(work.location),
    path: readable(joined(work.place.root, work.location)),
    judged: work.intent.judged,
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    mtimeNs: String(facts.mtimeNs),
    atimeNs: String(facts.atimeNs),
    provenance: work.intent.provenance,
    recordedAt: new Date().toISOString(),
  };
  const bytes = Buffer.from(`${JSON.stringify(record, null, 1)}\n`);
  if (await writeNew(to.record, bytes, RECORD_MODE)) return record;
  const earlier = await readRecord(to.record);
  if (earlier?.finding !== work.finding) {
    throw failed('destination_taken', `${readable(to.record)} belongs to something else`);
  }
  return earlier;
}

/**
 * The evidence of a deletion: written before the item is touched, so that a repeated intent which finds nothing knows why.
 * Undefined without a quarantine folder.
 */
export async function deletionMark(work: ActionWork): Promise<Raw | undefined> {
  if (work.settings.quarantine === undefined) return undefined;
  const folder = joined(await quarantinePath(work.settings), '.dsx-deleted');
  return joined(folder, `${findingHash(work.finding)}.json`);
}

/** Writes the evidence. A quarantine folder that can't be written costs the evidence, not the deletion. */
export async function markDeletion(work: ActionWork, mark: Raw): Promise<void> {
  try {
    await fs.mkdir(pathOf(folderOf(mark)), { recursive: true, mode: FOLDER_MODE });
    const { finding, judged, provenance } = work.intent;
    const body = { format: 'dsx-connect/deletion/1', finding, ...refOf(work.location), judged, provenance };
    await writeNew(mark, Buffer.from(`${JSON.stringify(body)}\n`), RECORD_MODE);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
