import { appendFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Everything that a worker is made of. */
const PARTS = [
  'package.json',
  'package-lock.json',
  'activities',
  'codec',
  'config',
  'connectors',
  'domain',
  'intake',
  'ledger',
  'net',
  'results',
  'scanner',
  'schedules',
  'status',
  'workers',
  'workflows',
];

/**
 * Another version of the product, in a folder of its own: the same code, and workflow code that differs by a comment.
 * @returns its root, for `Plant.worker`
 */
export function otherVersion(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS) cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  appendFileSync(path.join(folder, 'workflows/full-scan.ts'), `\n/* the version in ${path.basename(folder)} */\n`);
  return folder;
}
