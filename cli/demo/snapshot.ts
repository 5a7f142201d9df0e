import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { visibleBytes } from '../render/names.ts';

/** Everything about an entry that a scan must leave as it is, in one comparable string. */
export type Facts = string;

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 (hex) of a file's bytes. @throws the system's error */
export async function sha256Of(path: string | Buffer): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Every entry below a folder that is no folder, by its path as bytes (one character each): kind, mode, size, times and SHA-256,
 * or where a link leads. An empty folder gives an empty map, a missing one too.
 */
export async function snapshot(folder: string): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>();
  const walk = async (prefix: Buffer): Promise<void> => {
    const here = Buffer.concat([Buffer.from(`${folder}/`), prefix]);
    for (const entry of await readdir(here, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat([prefix, entry.name]);
      if (entry.isDirectory()) await walk(Buffer.concat([path, Buffer.from('/')]));
      else facts.set(path.toString('latin1'), await factsOf(Buffer.concat([here, entry.name])));
    }
  };
  await walk(Buffer.alloc(0)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || facts.size > 0) throw error;
  });
  return facts;
}

async function factsOf(path: Buffer): Promise<Facts> {
  const stat = await lstat(path, { bigint: true });
  const common = `mode ${stat.mode.toString(8)} modified ${stat.mtimeNs}`;
  if (stat.isSymbolicLink())
    return `link ${common} to ${(await readlink(path, { encoding: 'buffer' })).toString('hex')}`;
  if (!stat.isFile()) return `special ${common}`;
  return `file ${common} size ${stat.size} sha256 ${await sha256Of(path)}`;
}

/**
 * Every difference between two snapshots, in a sentence: what was `moved` must be gone, everything else as it was, nothing new.
 * @param where how each sentence begins
 */
export function compareFacts(
  before: ReadonlyMap<string, Facts>,
  after: ReadonlyMap<string, Facts>,
  moved: { has(key: string): boolean },
  where = '',
): string[] {
  const name = (key: string): string => visibleBytes(Buffer.from(key, 'latin1'));
  const differences: string[] = [];
  for (const [key, facts] of before) {
    const now = after.get(key);
    if (moved.has(key)) {
      if (now !== undefined) differences.push(`${where}${name(key)} is still there`);
    } else if (now === undefined) differences.push(`${where}${name(key)} is gone`);
    else if (now !== facts) differences.push(`${where}${name(key)} was changed: ${now}, before: ${facts}`);
  }
  for (const key of after.keys()) if (!before.has(key)) differences.push(`${where}${name(key)} is new`);
  return differences;
}
