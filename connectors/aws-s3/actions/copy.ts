import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type StorageClass,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { failed } from '../../action-stop.ts';
import { failure, shown } from '../failures.ts';
import { type Facts, get } from '../object.ts';
import type { Spot } from '../place.ts';
import type { Headers, Metadata } from './record.ts';
import type { Work } from './work.ts';

/** `CopyObject` takes no more: 5 GiB. */
const COPY_LIMIT = 5 * 2 ** 30;
const COPY_PART = 512 * 2 ** 20;
/** Parts of one upload. */
const MOST_PARTS = 10_000;

export interface Copying {
  readonly from: Spot;
  readonly source: Facts;
  readonly to: Spot;
  readonly metadata: Metadata;
  readonly headers: Headers;
  /** As in a query. Absent: those of the source. */
  readonly tags: string;
  readonly storageClass?: StorageClass;
}

/**
 * Copies exactly that version to a key that must be free.
 * @throws ConnectorError `changed` when it is another version by now, or the key is taken: look again
 */
export async function copyObject(work: Work, copying: Copying): Promise<void> {
  const { copyLimit = COPY_LIMIT } = work.settings;
  const doing = `copying ${shown(copying.from)} to ${shown(copying.to)}`;
  const reading =
    copying.source.versionId === undefined
      ? 's3:GetObject and s3:GetObjectTagging'
      : 's3:GetObjectVersion and s3:GetObjectVersionTagging';
  const permission = `${reading} on the item, s3:PutObject and s3:PutObjectTagging on arn:aws:s3:::${copying.to.bucket}/${copying.to.key}`;
  try {
    if (copying.source.size > copyLimit) await copyParts(work, copying);
    else await copyWhole(work, copying);
  } catch (error) {
    work.signal.throwIfAborted();
    throw failure(error, doing, permission);
  }
}

/** `bucket/key` in the header of a copy, percent-encoded by hand: the SDK sends it as it is. */
export function copySource({ bucket, key }: Spot, versionId: string | undefined): string {
  const path = `${bucket}/${key}`.split('/').map(encodeURIComponent).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

async function copyWhole({ client, signal }: Work, copying: Copying): Promise<void> {
  const { from, source, to, metadata, headers, tags, storageClass } = copying;
  await client.send(
    new CopyObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      CopySource: copySource(from, source.versionId),
      CopySourceIfMatch: source.etag,
      IfNoneMatch: '*',
      MetadataDirective: 'REPLACE',
      Metadata: { ...metadata },
      ...headers,
      TaggingDirective: 'REPLACE',
      Tagging: tags,
      ...(storageClass !== undefined && { StorageClass: storageClass }),
    }),
    { abortSignal: signal },
  );
}

async function copyParts(work: Work, copying: Copying): Promise<void> {
  const { client, signal, settings } = work;
  const { from, source, to, metadata, headers, tags, storageClass } = copying;
  const target = { Bucket: to.bucket, Key: to.key };
  if (isQuarantined(work, to)) await abortUploads(work, to);
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...target,
      Metadata: { ...metadata },
      ...headers,
      ...(tags !== '' && { Tagging: tags }),
      ...(storageClass !== undefined && { StorageClass: storageClass }),
    }),
    { abortSignal: signal },
  );
  try {
    const Parts: { ETag: string; PartNumber: number }[] = [];
    const size = Math.max(settings.copyPart ?? COPY_PART, Math.ceil(source.size / MOST_PARTS));
    for (let start = 0; start < source.size; start += size) {
      const PartNumber = Parts.length + 1;
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          UploadId,
          PartNumber,
          CopySource: copySource(from, source.versionId),
          CopySourceIfMatch: source.etag,
          CopySourceRange: `bytes=${start}-${Math.min(start + size, source.size) - 1}`,
        }),
        { abortSignal: signal },
      );
      if (CopyPartResult?.ETag === undefined) throw failed('storage_error', `part ${PartNumber} came without an ETag`);
      Parts.push({ ETag: CopyPartResult.ETag, PartNumber });
    }
    await client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' }),
      { abortSignal: signal },
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
    throw error;
  }
}

/** Whether a key is made from a finding. Under any other, an upload may be somebody's own. */
function isQuarantined({ place, spot }: Work, { bucket, key }: Spot): boolean {
  const quarantine = place.quarantineOf(spot.bucket);
  return bucket === quarantine.bucket && key.startsWith(quarantine.prefix);
}

/** Ends the uploads to a key in quarantine that attempts which were cut short have left behind. */
async function abortUploads({ client, signal }: Work, { bucket, key }: Spot): Promise<void> {
  const query = { Bucket: bucket, Prefix: key };
  const answer = await client
    .send(new ListMultipartUploadsCommand(query), { abortSignal: signal })
    .catch(() => undefined);
  for (const { Key, UploadId } of answer?.Uploads ?? []) {
    if (Key !== key) continue;
    await client
      .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId }), { abortSignal: signal })
      .catch(() => undefined);
  }
  signal.throwIfAborted();
}

/**
 * Proves that a copy has the bytes of what was judged: by equal ETags, by an equal checksum of the whole, or else by reading it.
 * @throws Stop `storage_error` when it has not
 */
export async function verifyCopy(work: Work, source: Facts, copy: Facts, at: Spot, sha256: string): Promise<void> {
  if (copy.size !== source.size) {
    throw failed('storage_error', `the copy has ${copy.size} bytes, the item ${source.size}; both stay`);
  }
  if (copy.etag === source.etag || sameChecksum(source, copy)) return;
  if ((await hashOf(work, at, copy)) === sha256) return;
  throw failed('storage_error', 'the copy has other bytes than the item; both stay');
}

const CHECKSUMS = ['ChecksumSHA256', 'ChecksumCRC64NVME', 'ChecksumCRC32C', 'ChecksumCRC32', 'ChecksumSHA1'] as const;

function sameChecksum({ head: a }: Facts, { head: b }: Facts): boolean {
  if (a.ChecksumType !== 'FULL_OBJECT' || b.ChecksumType !== 'FULL_OBJECT') return false;
  return CHECKSUMS.some((name) => a[name] !== undefined && a[name] === b[name]);
}

/** SHA-256 of the bytes of that version. @throws ConnectorError */
async function hashOf({ client, signal }: Work, spot: Spot, facts: Facts): Promise<string> {
  const hash = createHash('sha256');
  const { Body, ETag } = await get(client, spot, signal, facts.versionId);
  try {
    for await (const chunk of Body as Readable) {
      signal.throwIfAborted();
      hash.update(chunk as Uint8Array);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw failure(error, `reading ${shown(spot)}`);
  }
  return ETag === facts.etag ? hash.digest('hex') : 'another version';
}
