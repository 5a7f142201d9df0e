import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { apart } from '../../domain/abort.ts';
import type { Item } from '../../domain/item.ts';
import { ConnectorError } from '../errors.ts';
import { failure, s3Code, shown, statusOf } from './failures.ts';
import type { Spot } from './place.ts';
import { type Pin, versionOf } from './version.ts';

/** An object as HEAD or GET tells of it. */
export interface Facts extends Pin {
  readonly size: number;
  /** ISO 8601, whole seconds. */
  readonly modified: string;
  readonly head: HeadObjectCommandOutput;
}

const ARCHIVE_CLASSES = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** @throws ConnectorError `not_found`, … */
export async function factsOf(client: S3Client, spot: Spot, signal: AbortSignal, versionId?: string): Promise<Facts> {
  const input = { Bucket: spot.bucket, Key: spot.key, ...(versionId !== undefined && { VersionId: versionId }) };
  try {
    const head = await client.send(new HeadObjectCommand({ ...input, ChecksumMode: 'ENABLED' }), {
      abortSignal: signal,
    });
    return factsFrom(head, spot);
  } catch (error) {
    signal.throwIfAborted();
    const status = statusOf(error) ?? 500;
    if (status < 300 || status >= 500 || s3Code(error) !== undefined) throw objectFailure(error, 'looking at', spot);
    // An answer to HEAD has no body that could say why: the same question as GET has.
    const { Body } = await get(client, spot, signal, input.VersionId);
    await discard(Body as Readable | undefined);
    throw new ConnectorError('storage_error', `looking at ${shown(spot)}: HTTP ${status}, and then it was there`);
  }
}

/** As `factsOf`; undefined when nothing is there. */
export async function factsAt(client: S3Client, spot: Spot, signal: AbortSignal): Promise<Facts | undefined> {
  try {
    return await factsOf(client, spot, signal);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** @throws ConnectorError */
export async function get(
  client: S3Client,
  spot: Spot,
  signal: AbortSignal,
  versionId?: string,
): Promise<GetObjectCommandOutput> {
  try {
    const { bucket, key } = spot;
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ChecksumMode: 'ENABLED',
      ...(versionId !== undefined && { VersionId: versionId }),
    });
    return await apart(signal, (abortSignal) => client.send(command, { abortSignal }));
  } catch (error) {
    signal.throwIfAborted();
    throw objectFailure(error, 'opening', spot);
  }
}

/** Ends a body that nobody reads. */
export async function discard(body: Readable | undefined): Promise<void> {
  body?.on('error', () => undefined);
  body?.destroy();
  await setImmediate();
}

/** @throws ConnectorError `configuration` for an answer that no S3 gives, `not_an_item` for the mark of a folder */
export function factsFrom(head: HeadObjectCommandOutput, spot: Spot): Facts {
  const { ETag, ContentLength, LastModified, VersionId } = head;
  if (ETag === undefined || ContentLength === undefined || LastModified === undefined) {
    const message = `${shown(spot)}: the answer has no ETag, length or time, so it is not S3's; correct endpoint`;
    throw new ConnectorError('configuration', message);
  }
  if (isMarker(spot.key, ContentLength)) {
    throw new ConnectorError('not_an_item', `${shown(spot)} only marks a folder`);
  }
  const versionId = VersionId === 'null' ? undefined : VersionId;
  const modified = wholeSeconds(LastModified);
  return { etag: ETag, ...(versionId !== undefined && { versionId }), size: ContentLength, modified, head };
}

/** Whether an object only stands for a folder. */
export function isMarker(key: string, size: number): boolean {
  return size === 0 && key.endsWith('/');
}

/** Listings tell milliseconds in some stores, headers never. */
export function wholeSeconds(time: Date): string {
  return new Date(Math.floor(time.getTime() / 1000) * 1000).toISOString();
}

/** @param restored a readable copy of it is there for some days */
export function archivedIn(storageClass: string | undefined, restored: boolean): Pick<Item, 'unscannable'> | undefined {
  if (restored || !ARCHIVE_CLASSES.has(storageClass ?? '')) return undefined;
  return { unscannable: { reason: 'archived', detail: `it lies in ${storageClass}; restore it first` } };
}

export function itemOf(location: string, facts: Facts): Item {
  const { StorageClass, ArchiveStatus, Restore } = facts.head;
  const restored = Restore?.includes('ongoing-request="false"') ?? false;
  return {
    location,
    version: versionOf(facts),
    size: facts.size,
    modified: facts.modified,
    ...archivedIn(ArchiveStatus === undefined ? StorageClass : 'GLACIER', restored),
  };
}

/** Failures of reading one object, where two of S3's codes mean more than they say. */
export function objectFailure(error: unknown, doing: string, spot: Spot): ConnectorError {
  const code = s3Code(error);
  if (code === 'InvalidRequest' && statusOf(error) === 400) {
    const dotted = spot.key.split('/').some((part) => part === '.' || part === '..');
    const [connectorCode, why] = dotted
      ? (['not_an_item', 'this store has no such names'] as const)
      : (['customer_key', 'it is encrypted with a key that only its owner has (SSE-C)'] as const);
    return new ConnectorError(connectorCode, `${doing} ${shown(spot)}: ${why}`, { cause: error });
  }
  return failure(error, `${doing} ${shown(spot)}`, `s3:GetObject on arn:aws:s3:::${spot.bucket}/*`);
}
