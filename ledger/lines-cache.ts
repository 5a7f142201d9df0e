import type { JobObjects } from './job-objects.ts';
import type { Folder } from './names.ts';
import type { Lines } from './ndjson.ts';
import type { ObjectRef } from './types.ts';

/** Bytes of unfolded objects that a process keeps for readers who page through them. */
const BUDGET = 48 * 1024 * 1024;

const kept = new Map<string, Lines>();
let bytes = 0;

/** The lines of an object, hash and header checked, from memory when they were read lately. Objects never change. */
export async function cachedLines(objects: JobObjects, ref: ObjectRef, folder: Folder, page?: string): Promise<Lines> {
  const key = `${objects.path(ref.name)} ${ref.hash}`;
  const found = kept.get(key);
  if (found !== undefined) {
    kept.delete(key);
    kept.set(key, found);
    return found;
  }
  const { lines } = await objects.lines(ref, folder, page);
  if (!kept.has(key)) {
    kept.set(key, lines);
    bytes += lines.bytes;
  }
  for (const [oldest, { bytes: size }] of kept) {
    if (bytes <= BUDGET || oldest === key) break;
    kept.delete(oldest);
    bytes -= size;
  }
  return lines;
}
