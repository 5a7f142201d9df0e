import { z } from 'zod';
import type { ActionIntent } from '../../../domain/action.ts';
import { failed } from '../../action-stop.ts';
import type { Description, GcsObject } from '../objects.ts';

/** Custom metadata of one object, names and values together. Bytes of UTF-8. */
const METADATA_ROOM = 8_192;

/** The name under which a quarantined object carries what it was. */
const RECORD = 'dsx-quarantine';

const RECORD_SHAPE = z.object({
  finding: z.string(),
  location: z.string(),
  version: z.string(),
  /** Metadata of the item that our tags stand in place of. */
  replaced: z.record(z.string(), z.string()),
  /** The move itself put our tags on it, which go when it comes back. */
  tagged: z.boolean(),
  /** The item's own metadata found no room. */
  bare: z.boolean(),
});
/** What a quarantined object was. */
export type QuarantineRecord = z.infer<typeof RECORD_SHAPE>;

/** The tags that a finding puts on its item: few signs, so that they are safe wherever they are shown. */
export function tagsOf({ finding, provenance }: ActionIntent): Record<string, string> {
  const { verdict, threatType, job, sha256, scanId, standIn, judgedAt } = provenance;
  return {
    'dsx-verdict': plain(verdict),
    ...(threatType !== undefined && { 'dsx-threat': plain(threatType) }),
    ...(scanId !== undefined && { 'dsx-scan-id': plain(scanId) }),
    'dsx-finding': plain(finding),
    'dsx-job': plain(job),
    'dsx-sha256': plain(sha256),
    'dsx-judged-at': plain(judgedAt),
    'dsx-stand-in': String(standIn),
  };
}

function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9 _.:/=+@-]/g, '_').slice(0, 256);
}

/** Metadata with more added. @throws Stop `not_supported` where the object has no room for it */
export function added(metadata: GcsObject['metadata'], more: Record<string, string>): Record<string, string> {
  const all = { ...metadata, ...more };
  if (roomOf(all) <= METADATA_ROOM) return all;
  throw failed('not_supported', `the object has no room for more metadata: it may have ${METADATA_ROOM} bytes`);
}

/** What the copy in quarantine is given: everything of the item that can travel, and what it was. */
export function quarantined(intent: ActionIntent, source: GcsObject): Description {
  const tags = intent.action === 'movetag' ? tagsOf(intent) : {};
  const own = source.metadata ?? {};
  const replaced = Object.fromEntries(Object.entries(own).filter(([name]) => Object.hasOwn(tags, name)));
  const record = (bare: boolean) => ({
    [RECORD]: ascii({
      finding: intent.finding,
      location: intent.item.location,
      version: intent.judged.version,
      replaced: bare ? {} : replaced,
      tagged: intent.action === 'movetag',
      bare,
      provenance: intent.provenance,
    }),
  });
  const whole = { ...own, ...tags, ...record(false) };
  const metadata = roomOf(whole) <= METADATA_ROOM ? whole : { ...tags, ...record(true) };
  return { ...described(source), metadata };
}

/** The record of a quarantined object, undefined where it has none of ours. */
export function recordOf(object: GcsObject): QuarantineRecord | undefined {
  try {
    return RECORD_SHAPE.parse(JSON.parse(object.metadata?.[RECORD] ?? ''));
  } catch {
    return undefined;
  }
}

/** What an item that is put back is given: what it had before it was moved. */
export function restored(kept: GcsObject, record: QuarantineRecord): Description {
  const { [RECORD]: _, ...metadata } = kept.metadata ?? {};
  const own = Object.entries(metadata).filter(([name]) => !record.tagged || !TAG_NAMES.has(name));
  return { ...described(kept), metadata: { ...Object.fromEntries(own), ...record.replaced } };
}

const TAG_NAMES = new Set([
  ...['dsx-verdict', 'dsx-threat', 'dsx-scan-id', 'dsx-finding'],
  ...['dsx-job', 'dsx-sha256', 'dsx-judged-at', 'dsx-stand-in'],
]);

function described(source: GcsObject): Description {
  const { contentType, contentEncoding, contentLanguage, contentDisposition } = source;
  const { cacheControl, customTime, storageClass } = source;
  const all = {
    contentType,
    contentEncoding,
    contentLanguage,
    contentDisposition,
    cacheControl,
    customTime,
    storageClass,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== ''));
}

function roomOf(metadata: Record<string, string>): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
}

/** JSON in ASCII, so that it is a header of an answer too. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
