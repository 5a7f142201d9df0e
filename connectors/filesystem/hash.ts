import { createHash } from 'node:crypto';
import { closeFd, fstat, pread } from './calls.ts';
import type { Raw } from './names.ts';
import { openFile } from './place.ts';
import { sameVersion } from './version.ts';

const CHUNK = 1024 * 1024;

/**
 * SHA-256 (hex) of an open file, undefined when it changed while it was read. `each` gets every chunk before the next is read.
 * @throws the system error, or the signal's reason
 */
export async function hashOf(
  fd: number,
  signal: AbortSignal,
  each?: (chunk: Buffer) => Promise<void>,
): Promise<string | undefined> {
  const before = await fstat(fd);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Number(before.size) + 1));
  let at = 0;
  for (;;) {
    signal.throwIfAborted();
    const count = await pread(fd, buffer, buffer.length, at);
    if (count === 0) break;
    const chunk = buffer.subarray(0, count);
    hash.update(chunk);
    if (each) await each(chunk);
    at += count;
    if (BigInt(at) > before.size) return undefined;
  }
  const same = sameVersion(before, await fstat(fd)) && BigInt(at) === before.size;
  return same ? hash.digest('hex') : undefined;
}

/** The same of the regular file at a path; links are not followed. @throws the system error, or the signal's reason */
export async function hashAt(path: Raw, signal: AbortSignal): Promise<string | undefined> {
  const fd = await openFile(path);
  try {
    return (await fstat(fd)).isFile() ? await hashOf(fd, signal) : undefined;
  } finally {
    closeFd(fd);
  }
}
