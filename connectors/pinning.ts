import type { Version } from '../domain/item.ts';
import { parseVersion } from './filesystem/version.ts';

/**
 * Whether an item that has the same version, size and time as when its bytes were judged, has the same bytes.
 * @param modified as it was listed, ISO 8601; undefined: not known
 * @param judgedMs when the bytes were judged
 */
export type Pins = (version: Version, modified: string | undefined, judgedMs: number) => boolean;

/** File systems with times in whole seconds, or every other one, need so long to tell two writes apart. Milliseconds. */
const COARSE_MS = 2_000;
/** A kernel's clock ticks in steps of up to 10 ms; this is far above. */
const FINE_MS = 100;
/** For objects whose time of writing is in whole seconds: what was judged later than this was also read later than a second. Milliseconds. */
const OBJECT_MS = 60_000;
const SECOND_NS = 1_000_000_000n;

/** By kind of connector. One that is not here pins nothing: its items are always scanned. */
const PINS: Readonly<Record<string, Pins>> = {
  filesystem: pinsFile,
  aws_s3: pinsObject,
  // An ETag of Azure is made anew with every write, whatever is written.
  azure_blob_storage: (version) => version !== '',
  // A generation belongs to one write of one object.
  google_cloud_storage: (version) => /^[1-9]\d{0,19}$/.test(version),
  // The id of the drive item, and its cTag, which changes with the content.
  sharepoint: (version) => /^graph1:[^:]+:.+$/s.test(version),
  onedrive: (version) => /^graph1:[^:]+:.+$/s.test(version),
};

/** What a version of this kind of connector proves. */
export function pinsOf(kind: string): Pins {
  return PINS[kind] ?? (() => false);
}

/**
 * Device, inode, size, modification and change time: the kernel sets the change time with every write, and nobody can set it back.
 * Two writes within one step of its clock have the same, so what was judged that soon after its last change is not settled.
 */
function pinsFile(version: Version, _modified: string | undefined, judgedMs: number): boolean {
  const facts = parseVersion(version);
  if (facts === undefined) return false;
  const coarse = facts.ctimeNs % SECOND_NS === 0n;
  return judgedMs - Number(facts.ctimeNs / 1_000_000n) >= (coarse ? COARSE_MS : FINE_MS);
}

/**
 * A version id belongs to one write. Without one there is only the ETag, mostly the MD5 of the bytes, and two contents can be made to
 * have one MD5: then the time of the write must be the same too, and lie behind when it was judged. A multipart upload has the time at
 * which it was begun, so its ETag pins nothing.
 */
function pinsObject(version: Version, modified: string | undefined, judgedMs: number): boolean {
  const [, etag, id] = /^s3:([^:]+)(?::(.+))?$/s.exec(version) ?? [];
  if (etag === undefined) return false;
  if (id !== undefined) return true;
  if (etag.includes('-') || modified === undefined) return false;
  return judgedMs - Date.parse(modified) >= OBJECT_MS;
}
