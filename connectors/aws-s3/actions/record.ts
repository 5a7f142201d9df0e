import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Facts } from '../object.ts';
import { versionOf } from '../version.ts';
import type { ActionWork } from './work.ts';

/** Names of our own begin so, in metadata and in tags. */
export const OURS = 'dsx-';
/** Bytes of names and values of metadata that an object can have. */
const MOST_METADATA = 2048;

export type Metadata = Readonly<Record<string, string>>;

/** Headers of an object that a copy with metadata of its own must be given anew. */
export interface Headers {
  readonly ContentType?: string;
  readonly CacheControl?: string;
  readonly ContentDisposition?: string;
  readonly ContentEncoding?: string;
  readonly ContentLanguage?: string;
  readonly Expires?: Date;
}

export function headersOf(head: HeadObjectCommandOutput): Headers {
  const { ContentType, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ExpiresString } = head;
  const expires = ExpiresString === undefined ? Number.NaN : Date.parse(ExpiresString);
  return {
    ...(ContentType !== undefined && { ContentType }),
    ...(CacheControl !== undefined && { CacheControl }),
    ...(ContentDisposition !== undefined && { ContentDisposition }),
    ...(ContentEncoding !== undefined && { ContentEncoding }),
    ...(ContentLanguage !== undefined && { ContentLanguage }),
    ...(Number.isFinite(expires) && { Expires: new Date(expires) }),
  };
}

/**
 * What travels with a quarantined object: whose it is, what it was, and the verdict. Text in metadata is percent-encoded.
 * @param untagged its tags had no room for ours
 */
export function recordOf(work: ActionWork, source: Facts, untagged: boolean): Metadata {
  const { intent, finding, spot } = work;
  const { job, connector, verdict, threatType, sha256, scanId, standIn, judgedAt } = intent.provenance;
  const { StorageClass } = source.head;
  const own = {
    'dsx-finding': encodeURIComponent(finding),
    'dsx-sha256': sha256,
    'dsx-version': encodeURIComponent(versionOf(source)),
    'dsx-key': Buffer.from(spot.key).toString('base64'),
    'dsx-bucket': spot.bucket,
    'dsx-modified': source.modified,
    'dsx-verdict': short(verdict),
    'dsx-job': short(job),
    'dsx-connector': short(connector),
    'dsx-judged-at': judgedAt,
    'dsx-stand-in': String(standIn),
    ...(untagged && { 'dsx-tags-left': 'true' }),
    // Names or values that HTTP can't carry: S3 tells only how many.
    ...((source.head.MissingMeta ?? 0) > 0 && { 'dsx-metadata-lost': 'true' }),
    ...(threatType !== undefined && { 'dsx-threat': short(threatType) }),
    ...(scanId !== undefined && { 'dsx-scan-id': short(scanId) }),
    ...(StorageClass !== undefined && { 'dsx-storage-class': StorageClass }),
  };
  const theirs = theirMetadata(source.head.Metadata);
  const whole = { ...theirs, ...own };
  if (sizeOf(whole) <= MOST_METADATA) return whole;
  const { 'dsx-threat': _threat, 'dsx-scan-id': _scan, 'dsx-job': _job, 'dsx-connector': _connector, ...least } = own;
  const fits = sizeOf({ ...theirs, ...least }) <= MOST_METADATA;
  return fits ? { ...theirs, ...least } : { ...least, 'dsx-metadata-lost': 'true' };
}

const LOST = 'its own metadata, or a part of it, could not go along into quarantine';

/** What a quarantined object does without. */
export function lostOf({ head }: Facts): string | undefined {
  return head.Metadata?.['dsx-metadata-lost'] === 'true' ? LOST : undefined;
}

/** Metadata of the item's owner. */
export function theirMetadata(metadata: Metadata = {}): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith(OURS)));
}

/** Whether this is the copy that an attempt of this intent made. */
export function isCopyFor(work: ActionWork, copy: Facts): boolean {
  const { Metadata: metadata = {} } = copy.head;
  return (
    metadata['dsx-finding'] === encodeURIComponent(work.finding) &&
    metadata['dsx-sha256'] === work.intent.provenance.sha256 &&
    copy.size === work.intent.judged.size
  );
}

function short(text: string): string {
  return encodeURIComponent(text.slice(0, 64).toWellFormed());
}

function sizeOf(metadata: Metadata): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
}
