import fs, { type BigIntStats } from 'node:fs';
import type { Version } from '../../domain/item.ts';
import { closeFd, fstat, HAS_PROC, openFd, pread, READ_FILE } from './calls.ts';
import { pathOf, type Raw } from './names.ts';
import type { Place } from './place.ts';

/**
 * The calls that read one item. On a local file system the facts of an open file are in the kernel's memory: asking at once
 * takes a microsecond or two and never waits for a disk, while handing the question to another thread takes ten times that. On
 * a network file system each of them may be a question to the server, and must not hold up the process.
 */
export interface ItemCalls {
  /** A descriptor for the file at this path, links in its last part refused. */
  open(path: Raw): number | Promise<number>;
  fstat(fd: number): BigIntStats | Promise<BigIntStats>;
  /** Bytes of a small file, read into `into` from `at`; 0 at its end. */
  read(fd: number, into: Uint8Array, at: number): number | Promise<number>;
  close(fd: number): void;
}

const BIGINT = { bigint: true } as const;
const openLater = (path: Raw) => openFd(path, READ_FILE);
const readLater = (fd: number, into: Uint8Array, at: number) => pread(fd, into, into.length, at);
const fstatNow = (fd: number) => fs.fstatSync(fd, BIGINT);
const closeNow = (fd: number) => fs.closeSync(fd);

const REMOTE: ItemCalls = { open: openLater, fstat, read: readLater, close: closeFd };
const LOCAL_COLD: ItemCalls = { open: openLater, fstat: fstatNow, read: readLater, close: closeNow };

/** Open and read at once too; how long they take decides over the items to come. */
function localWarm(place: Place): ItemCalls {
  const timed = <T>(call: () => T): T => {
    const began = performance.now();
    try {
      return call();
    } finally {
      place.pace.took(performance.now() - began);
    }
  };
  return {
    open: (path) => timed(() => fs.openSync(pathOf(path), READ_FILE)),
    fstat: fstatNow,
    read: (fd, into, at) => timed(() => fs.readSync(fd, into, 0, into.length, at)),
    close: closeNow,
  };
}

/** Linux's magic numbers of file systems that keep the facts of open files in memory: ext2–4, XFS, Btrfs, F2FS, ZFS, tmpfs. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994]);

/** True when the folder lies on a file system that is known to be local. */
export function isLocal(path: string | Buffer): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    fs.statfs(path, (error, facts) => resolve(error === null && LOCAL.has(facts.type >>> 0)));
  });
}

/** Of file systems whose other users change them unseen by this host: NFS, SMB (three kinds), CephFS, AFS, 9P, FUSE, GFS2, OCFS2, Lustre. */
const SHARED = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x00c36400, 0x5346414f, 0x01021997, 0x65735546, 0x01161970, 0x7461636f,
  0x0bd00bd0,
]);

/** True when the system tells of every change below the folder, as far as its file system is known. */
export function tellsOfChanges(path: string | Buffer): Promise<boolean> {
  if (!HAS_PROC) return Promise.resolve(false);
  return new Promise((resolve) => {
    fs.statfs(path, (error, facts) => resolve(error === null && !SHARED.has(facts.type >>> 0)));
  });
}

const WARM = new WeakMap<Place, ItemCalls>();

/** The calls for an item that was listed at this version: at once only on the asset's own, local device. */
export function callsFor(place: Place, listed: Version | undefined): ItemCalls {
  if (!place.local || !listed?.startsWith(`fs1:${place.facts.dev}:`)) return REMOTE;
  if (!place.pace.atOnce()) return LOCAL_COLD;
  let warm = WARM.get(place);
  if (warm === undefined) {
    warm = localWarm(place);
    WARM.set(place, warm);
  }
  return warm;
}
