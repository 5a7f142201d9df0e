import fs, { type BigIntStats } from 'node:fs';
import type { Version } from '../../domain/item.ts';
import { closeFd, fstat } from './calls.ts';
import type { Place } from './place.ts';

/**
 * How the facts of an open descriptor are asked for. On a local file system they are in the kernel's memory while the file is
 * open: asking at once takes a microsecond or two and never waits for a disk, while a hand-over to another thread takes ten
 * times that. On a network file system each of them may be a question to the server, and must not hold up the process.
 */
export interface DescriptorCalls {
  fstat(fd: number): BigIntStats | Promise<BigIntStats>;
  /** For descriptors that were only read. */
  close(fd: number): void;
}

const BIGINT = { bigint: true } as const;
const AT_ONCE: DescriptorCalls = { fstat: (fd) => fs.fstatSync(fd, BIGINT), close: (fd) => fs.closeSync(fd) };
const WAITING: DescriptorCalls = { fstat, close: closeFd };

/** Linux's magic numbers of file systems that keep the facts of open files in memory: ext2–4, XFS, Btrfs, F2FS, ZFS, tmpfs. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994]);

/** True when the folder lies on a file system that is known to be local. */
export function isLocal(path: string | Buffer): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    fs.statfs(path, (error, facts) => resolve(error === null && LOCAL.has(facts.type >>> 0)));
  });
}

/** The calls for an item that was listed at this version: at once only on the asset's own, local device. */
export function callsFor(place: Place, listed: Version | undefined): DescriptorCalls {
  return place.local && listed?.startsWith(`fs1:${place.facts.dev}:`) ? AT_ONCE : WAITING;
}
