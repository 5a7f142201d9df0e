import { spawnSync } from 'node:child_process';
import { mkdir, open, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import { noOutcomes, type Outcome } from '../../domain/outcome.ts';
import { eicar, type SampleFile, sampleFiles } from './files.ts';
import { sha256 } from './snapshot.ts';

/** Bytes above which the demo's scan skips a file. */
export const DEMO_MAX_SIZE = 1024 * 1024;

/** A location as bytes, in a string with one character for each byte, so that it can be a key. */
export type LocationKey = string;

/** What a full scan of the sample must come to, worked out by who made it. */
export interface ExpectedAccount {
  readonly listed: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Outcome (and, where there is one, reason) of each location. */
  readonly items: ReadonlyMap<LocationKey, { readonly outcome: Outcome; readonly reason?: string }>;
  /** What a scan with the action `move` moves away, with the SHA-256 of its bytes. */
  readonly moved: ReadonlyMap<LocationKey, string>;
}

export interface Corpus {
  /** The folder to scan. */
  readonly folder: string;
  /** A folder beside it that links lead to: the scan must not touch it. */
  readonly outside: string;
  readonly expected: ExpectedAccount;
  /** What this file system would not hold (a name that is not UTF-8, a FIFO), as a person may read it. */
  readonly leftOut: readonly string[];
}

const REASON: Partial<Record<Outcome, string>> = { unscannable: 'encrypted_file', skipped: 'size' };
/** What a file system answers to a name that it can't hold. */
const UNNAMEABLE = new Set(['EILSEQ', 'EINVAL', 'ENAMETOOLONG', 'ENOENT']);

/** Makes the sample below `base` (an empty folder of the caller): `base/sample` and `base/outside`. */
export async function makeCorpus(base: string): Promise<Corpus> {
  const folder = join(base, 'sample');
  const outside = join(base, 'outside');
  await mkdir(join(folder, 'empty', 'folder'), { recursive: true });
  await mkdir(outside);
  const items = new Map<LocationKey, { outcome: Outcome; reason?: string }>();
  const moved = new Map<LocationKey, string>();
  const leftOut: string[] = [];
  for (const file of sampleFiles(DEMO_MAX_SIZE)) {
    if (!(await write(folder, file))) {
      leftOut.push(JSON.stringify(file.path.toString('utf8')));
      continue;
    }
    const key = file.path.toString('latin1');
    const reason = REASON[file.expected];
    items.set(key, { outcome: file.expected, ...(reason !== undefined && { reason }) });
    if (file.expected === 'malicious') moved.set(key, sha256(file.data));
  }
  for (const [name, target] of await links(folder, outside)) {
    await symlink(target, join(folder, 'links', name));
    items.set(`links/${name}`, { outcome: 'skipped', reason: 'link' });
  }
  await mkdir(join(folder, 'special'));
  const fifo = spawnSync('mkfifo', [join(folder, 'special', 'pipe')], { stdio: 'ignore' });
  if (fifo.status === 0) items.set('special/pipe', { outcome: 'skipped', reason: 'special' });
  else leftOut.push('special/pipe');
  const outcomes = noOutcomes();
  for (const { outcome } of items.values()) outcomes[outcome] += 1;
  return { folder, outside, expected: { listed: items.size, outcomes, items, moved }, leftOut };
}

/** Names and targets of links; those that lead out lead to malware that a scan must not reach. */
async function links(folder: string, outside: string): Promise<Map<string, string>> {
  await mkdir(join(folder, 'links'));
  await mkdir(join(outside, 'folder'));
  for (const path of [join(outside, 'file.com'), join(outside, 'folder', 'more.com')]) {
    await using handle = await open(path, 'wx');
    await handle.writeFile(eicar());
  }
  return new Map([
    ['to-a-file-outside.com', join(outside, 'file.com')],
    ['to-a-folder-outside', join('..', '..', 'outside', 'folder')],
    ['to-nowhere', 'no such place'],
    ['to-itself', 'to-itself'],
    ['to-the-top', '..'],
  ]);
}

/** False when this file system can't hold the name. */
async function write(folder: string, file: SampleFile): Promise<boolean> {
  const root = Buffer.from(`${folder}/`);
  const slash = file.path.lastIndexOf(0x2f);
  try {
    if (slash > 0) await mkdir(Buffer.concat([root, file.path.subarray(0, slash)]), { recursive: true });
    await using handle = await open(Buffer.concat([root, file.path]), 'wx');
    await handle.writeFile(file.data);
    if (file.size !== undefined) await handle.truncate(file.size);
    return true;
  } catch (error) {
    if (UNNAMEABLE.has(systemCode(error) ?? '')) return false;
    throw error;
  }
}
