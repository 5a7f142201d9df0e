import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SourceFile } from './check.ts';

const run = promisify(execFile);

/** Folders that are never the project's own. */
const FOREIGN = new Set(['.git', '.parts', 'node_modules', 'coverage']);

/** Paths of the project's files: what git tracks or would track; without git, all but installed things. Sorted. */
export async function projectPaths(root: string): Promise<string[]> {
  const paths = (await trackedPaths(root)) ?? (await walk(root));
  return paths.filter((file) => existsSync(path.join(root, file))).sort();
}

async function trackedPaths(root: string): Promise<string[] | undefined> {
  if (!existsSync(path.join(root, '.git'))) return undefined;
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  try {
    const { stdout } = await run('git', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    return [...new Set(stdout.split('\0').filter((file) => file !== ''))];
  } catch {
    return undefined;
  }
}

async function walk(root: string, folder = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !FOREIGN.has(entry.name)) found.push(...(await walk(root, file)));
    else if (entry.isFile() && entry.name !== '.env' && !entry.name.endsWith('.log')) found.push(file);
  }
  return found;
}

/** The text files among the paths: no links, nothing with a NUL byte. */
export function readSources(root: string, paths: readonly string[]): SourceFile[] {
  return paths.flatMap((file) => {
    const stored = readFileSync(path.join(root, file));
    return stored.includes(0) ? [] : [{ path: file, text: stored.toString('utf8') }];
  });
}
