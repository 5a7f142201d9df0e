import type { BigIntStats } from 'node:fs';
import type { Version } from '../../domain/item.ts';

/** Device, inode, size, modification and change time (ns): the change time catches a rewrite that puts the rest back. */
export function versionOf(facts: BigIntStats): Version {
  return `fs1:${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
}

export function sameVersion(a: BigIntStats, b: BigIntStats): boolean {
  return a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

/** The fields of a version token, or undefined when it is none of ours. */
export function parseVersion(
  version: Version,
): { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint } | undefined {
  const match = /^fs1:(\d+):(\d+):(\d+):(-?\d+):(-?\d+)$/.exec(version);
  if (!match) return undefined;
  const [dev = '', ino = '', size = '', mtimeNs = '', ctimeNs = ''] = match.slice(1);
  return { dev: BigInt(dev), ino: BigInt(ino), size: BigInt(size), mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs) };
}

/** Same file and, as far as a rename leaves it visible, the same bytes: all of the version but the change time. */
export function sameButChangeTime(version: Version, facts: BigIntStats): boolean {
  const judged = parseVersion(version);
  return (
    judged !== undefined &&
    judged.dev === facts.dev &&
    judged.ino === facts.ino &&
    judged.size === facts.size &&
    judged.mtimeNs === facts.mtimeNs
  );
}

/** Modification time in ISO 8601, absent when the file system holds one that is no date. */
export function modifiedOf(facts: BigIntStats): string | undefined {
  const ms = Number(facts.mtimeMs);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}
