import { readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bytes, count } from '../../cli/render/units.ts';

/** A small file takes a block, an inode and its name; in memory they are about as dear. */
const BYTES_PER_FILE = 5 * 1024;
/** Left free beside the files, for everything else that is written there. */
const SPARE_BYTES = 2 * 2 ** 30;
const SPARE_INODES = 20_000;
const SHARED_MEMORY = '/dev/shm';
const PREFIX = 'dsx-bench-files-';

/** No place has room for the files. */
export class NoRoom extends Error {}

export interface Room {
  readonly bytes: number;
  /** Infinity where the file system makes them as it needs them. */
  readonly inodes: number;
}

export function needOf(files: number): Room {
  return { bytes: files * BYTES_PER_FILE + SPARE_BYTES, inodes: files + SPARE_INODES };
}

/** What is free in a folder. In shared memory no more than half of the machine's free memory counts. */
export function roomIn(folder: string): Room {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  const free = bavail * bsize;
  return {
    bytes: folder === SHARED_MEMORY ? Math.min(free, availableMemory() / 2) : free,
    inodes: files === 0 ? Number.POSITIVE_INFINITY : ffree,
  };
}

/**
 * A folder of this process for so many small files: in shared memory where they fit, so that no disk is measured, else in the
 * folder for temporary files. Clears away what benchmarks left that were killed. The folder is not made yet.
 * @param named the only place to look at, when it was named
 * @throws NoRoom, telling what each place has and what is needed
 */
export function placeFor(files: number, named?: string): string {
  const need = needOf(files);
  const reasons: string[] = [];
  for (const folder of named === undefined ? [SHARED_MEMORY, tmpdir()] : [path.resolve(named)]) {
    const reason = shortage(folder, need);
    if (reason === undefined) return path.join(folder, `${PREFIX}${process.pid}`);
    reasons.push(`${folder} ${reason}`);
  }
  throw new NoRoom(
    `${count(files)} files need ${bytes(need.bytes)} and ${count(need.inodes)} inodes: ${reasons.join('; ')}. ` +
      'Make room, name another folder with --folder, or ask for fewer files with --sizes.',
  );
}

function shortage(folder: string, need: Room): string | undefined {
  try {
    clearLeftovers(folder);
    const room = roomIn(folder);
    if (room.bytes < need.bytes) return `has ${bytes(room.bytes)}`;
    return room.inodes < need.inodes ? `has ${count(room.inodes)} inodes` : undefined;
  } catch (error) {
    return `cannot be used (${(error as NodeJS.ErrnoException).code ?? error})`;
  }
}

function clearLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : Number.NaN);
    if (Number.isSafeInteger(pid) && pid > 1 && !isAlive(pid)) {
      rmSync(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Bytes that the machine could give without swapping. */
function availableMemory(): number {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'));
  return Number(found?.[1] ?? 0) * 1024;
}
