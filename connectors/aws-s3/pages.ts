import {
  GetBucketVersioningCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ConnectorError } from '../errors.ts';
import { failure } from './failures.ts';
import { compareBytes } from './place.ts';

/** What one answer of a listing tells of an object. */
export interface Entry {
  readonly key: string;
  readonly etag: string;
  readonly versionId?: string;
  readonly size: number;
  readonly modified: Date;
  readonly storageClass?: string;
  /** A readable copy of an archived object is there. */
  readonly restored: boolean;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** The last key that was looked at; absent at the end. */
  readonly next?: string;
}

export interface PageQuery {
  readonly bucket: string;
  readonly prefix: string;
  /** Keys behind this one. */
  readonly after?: string;
  readonly max?: number;
}

/** @throws ConnectorError `permission_denied` without s3:GetBucketVersioning */
export async function isVersioned(client: S3Client, bucket: string, signal: AbortSignal): Promise<boolean> {
  return (await versioningOf(client, bucket, signal)) !== 'off';
}

/** @throws ConnectorError */
export async function versioningOf(
  client: S3Client,
  bucket: string,
  signal: AbortSignal,
): Promise<'off' | 'Enabled' | 'Suspended'> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }), { abortSignal: signal });
    return Status ?? 'off';
  } catch (error) {
    signal.throwIfAborted();
    throw failure(error, `asking whether ${bucket} has versions`, `s3:GetBucketVersioning on arn:aws:s3:::${bucket}`);
  }
}

/** A page of the objects that are in place, by `ListObjectsV2`. @throws ConnectorError */
export async function objectsPage(client: S3Client, query: PageQuery, signal: AbortSignal): Promise<Page> {
  const { bucket, prefix, after, max } = query;
  return asking(query, 's3:ListBucket', signal, async () => {
    const answer = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        EncodingType: 'url',
        OptionalObjectAttributes: ['RestoreStatus'],
        ...(after !== undefined && { StartAfter: after }),
        ...(max !== undefined && { MaxKeys: max }),
      }),
      { abortSignal: signal },
    );
    expectListing(answer.Name, answer.IsTruncated, bucket);
    const decode = decoder(answer.EncodingType);
    const entries = (answer.Contents ?? []).map((one) => entryOf(one, decode));
    return { entries, ...nextOf(answer.IsTruncated, entries.at(-1)?.key, bucket) };
  });
}

/** The same for buckets with versions: the latest of each key, less those that a delete marker lies over. @throws ConnectorError */
export async function versionsPage(client: S3Client, query: PageQuery, signal: AbortSignal): Promise<Page> {
  const { bucket, prefix, after, max } = query;
  return asking(query, 's3:ListBucketVersions', signal, async () => {
    const answer = await client.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        Prefix: prefix,
        EncodingType: 'url',
        OptionalObjectAttributes: ['RestoreStatus'],
        ...(after !== undefined && { KeyMarker: after }),
        ...(max !== undefined && { MaxKeys: max }),
      }),
      { abortSignal: signal },
    );
    expectListing(answer.Name, answer.IsTruncated, bucket);
    const decode = decoder(answer.EncodingType);
    const latest = (answer.Versions ?? []).filter(({ IsLatest }) => IsLatest === true);
    // A page may end within the versions of a key. Its latest came first, so the next page may begin behind that key.
    const last = [answer.Versions?.at(-1)?.Key, answer.DeleteMarkers?.at(-1)?.Key]
      .filter((key) => key !== undefined)
      .map(decode)
      .sort(compareBytes)
      .at(-1);
    const marker = answer.NextKeyMarker === undefined ? last : decode(answer.NextKeyMarker);
    return { entries: latest.map((one) => entryOf(one, decode)), ...nextOf(answer.IsTruncated, marker, bucket) };
  });
}

async function asking(query: PageQuery, permission: string, signal: AbortSignal, body: () => Promise<Page>) {
  try {
    return await body();
  } catch (error) {
    signal.throwIfAborted();
    const doing = `listing s3://${query.bucket}/${query.prefix}`;
    const found = failure(error, doing, `${permission} on arn:aws:s3:::${query.bucket}`);
    // What has no key has no object that could be missing.
    if (found.code !== 'not_found') throw found;
    throw new ConnectorError('configuration', `${doing}: nothing answers there as S3 does; correct endpoint`, {
      cause: error,
    });
  }
}

function expectListing(name: string | undefined, truncated: boolean | undefined, bucket: string): void {
  if (name === bucket && truncated !== undefined) return;
  const message = `the answer to a listing of ${bucket} is not S3's; correct endpoint and pathStyle`;
  throw new ConnectorError('configuration', message);
}

function nextOf(truncated: boolean | undefined, last: string | undefined, bucket: string): { next?: string } {
  if (truncated !== true) return {};
  if (last !== undefined) return { next: last };
  throw new ConnectorError('storage_error', `a page of the listing of ${bucket} is cut short and names no key`);
}

/** S3 writes keys as in a form: `+` for a space. Where a store did not encode, nothing is decoded. */
export function decoder(encoding: string | undefined): (text: string | undefined) => string {
  return (text = '') => (encoding === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text);
}

interface Listed {
  readonly Key?: string | undefined;
  readonly ETag?: string | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly StorageClass?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly RestoreStatus?: { readonly RestoreExpiryDate?: Date | undefined } | undefined;
}

function entryOf(one: Listed, decode: (text: string | undefined) => string): Entry {
  const { Key, ETag, Size, LastModified, VersionId, StorageClass, RestoreStatus } = one;
  if (Key === undefined || ETag === undefined || Size === undefined || LastModified === undefined) {
    throw new ConnectorError('storage_error', 'an entry of the listing has no key, ETag, size or time');
  }
  return {
    key: decode(Key),
    etag: ETag,
    size: Size,
    modified: LastModified,
    restored: RestoreStatus?.RestoreExpiryDate !== undefined,
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
    ...(StorageClass !== undefined && { storageClass: StorageClass }),
  };
}
