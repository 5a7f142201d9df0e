import fs, { type FSWatcher } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemCode } from '../../../domain/errors.ts';
import { ConnectorError } from '../../errors.ts';
import { failure } from '../failures.ts';
import { insideOf } from '../folder.ts';
import { pathOf, type Raw, readable } from '../names.ts';

/** Folders watched at once, some 1.1 kB each beside what the system keeps. */
export const MOST_WATCHED = 65_536;

/** Watches the names in one open folder; `notice` gets the exact bytes of each name. @throws the system error */
export type WatchFolder = (path: Raw, notice: (name: Raw, appeared: boolean) => void) => Pick<FSWatcher, 'close'>;

/** By the system's own notices (inotify). */
export const watchFolder: WatchFolder = (path, notice) => {
  const watcher = fs.watch(pathOf(path), { encoding: 'buffer', persistent: false }, (event, name) => {
    burst();
    if (name !== null) notice(name.toString('latin1'), event === 'rename');
  });
  // The walk after an error finds what it kept back; without a listener it would end the process.
  watcher.on('error', () => burst(QUEUE));
  return watcher;
};

/**
 * The system holds so many notices for this process, and drops what comes beyond without a word that reaches us. A queue that ran over
 * is read in one go, so that as many notices come in one turn of the event loop: half of it is taken for too many.
 */
const QUEUE = queueLength();
let turn = 0;
const overflowed = new Set<() => void>();

function queueLength(): number {
  try {
    return Math.max(1, Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) >> 1);
  } catch {
    return 8_192;
  }
}

function burst(count = 1): void {
  if (turn === 0) {
    setImmediate(() => {
      turn = 0;
    });
  }
  const before = turn;
  turn += count;
  if (before < QUEUE && turn >= QUEUE) for (const listener of overflowed) listener();
}

/** Calls `listener` when notices of any watch of this process may have been dropped. Returns what ends that. */
export function onOverflow(listener: () => void): () => void {
  overflowed.add(listener);
  return () => void overflowed.delete(listener);
}

/** Waits until all notices of what happened before the call have come. Returns when that was, in milliseconds since 1970. */
export async function drained(): Promise<number> {
  // From one check phase of the event loop to the next lies a whole poll phase, which reads all notices there are.
  await nextTurn();
  const time = Date.now();
  await nextTurn();
  return time;
}

/** The folders that are watched. */
export class WatchedFolders {
  readonly #watch: WatchFolder;
  readonly #notice: (location: Raw, appeared: boolean) => void;
  readonly #most: number;
  readonly #folders = new Map<Raw, { readonly ino: bigint; readonly watcher: ReturnType<WatchFolder> }>();

  constructor(watch: WatchFolder, notice: (location: Raw, appeared: boolean) => void, most = MOST_WATCHED) {
    this.#watch = watch;
    this.#notice = notice;
    this.#most = most;
  }

  has(folder: Raw, ino: bigint): boolean {
    return this.#folders.get(folder)?.ino === ino;
  }

  /**
   * Watches a folder that is open, in place of another one that had its name.
   * @returns false when that very folder is watched already
   * @throws ConnectorError `configuration` when the system watches no more folders
   */
  add(folder: Raw, ino: bigint, fd: number, path: Raw): boolean {
    if (this.has(folder, ino)) return false;
    this.drop(folder);
    if (this.#folders.size >= this.#most) throw tooMany(`more than ${this.#most} folders`);
    try {
      const watcher = this.#watch(insideOf(fd, path), (name, appeared) => this.#notice(folder + name, appeared));
      this.#folders.set(folder, { ino, watcher });
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOSPC') throw tooMany(`folder ${this.#folders.size + 1}, ${readable(path)}: ENOSPC`, error);
      if (code === 'EMFILE' || code === 'ENFILE') {
        const remedy = 'raise fs.inotify.max_user_instances or the limit of open files, or set poll';
        throw new ConnectorError('configuration', `watching ${readable(path)}: ${code}; ${remedy}`, { cause: error });
      }
      throw failure(error, 'watching', folder);
    }
    return true;
  }

  /** Ends the watch of a folder and of all below it. */
  drop(folder: Raw): void {
    if (!this.#folders.has(folder)) return;
    for (const [name, { watcher }] of this.#folders) {
      if (!name.startsWith(folder)) continue;
      watcher.close();
      this.#folders.delete(name);
    }
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }
}

function tooMany(what: string, cause?: unknown): ConnectorError {
  const remedy = 'raise fs.inotify.max_user_watches, set poll in place of native watching, or watch a smaller asset';
  return new ConnectorError('configuration', `the system watches no more: ${what}; ${remedy}`, { cause });
}
