import { ListBucketsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { Asset, AssetPage } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { failure } from './failures.ts';
import { decoder } from './pages.ts';
import { compareBytes, type Place } from './place.ts';

/** Where a discovery goes on: among the buckets of the account, or among the folders of the n-th configured bucket. */
type Cursor =
  | { readonly of: 'buckets'; readonly token?: string }
  | { readonly of: 'folders'; readonly bucket: string; readonly after?: string };

/** Most of one answer. */
const MOST = 1000;

/**
 * The buckets of the account, then the folders at the top of the configured buckets.
 * @throws ConnectorError `permission_denied` without s3:ListAllMyBuckets
 */
export async function assetsOf(
  client: S3Client,
  place: Place,
  { limit, after }: { readonly limit: number; readonly after?: string },
  signal: AbortSignal,
): Promise<AssetPage> {
  const buckets = [...new Set(place.areas.map((area) => area.bucket))].sort(compareBytes);
  const cursor: Cursor = after === undefined || after === '' ? { of: 'buckets' } : decodeCursor(after);
  const most = Math.min(Math.max(1, limit), MOST);
  if (cursor.of === 'buckets') {
    const { assets, token } = await listBuckets(client, place, most, cursor.token, signal);
    const first = buckets[0];
    const next: Cursor | undefined =
      token !== undefined
        ? { of: 'buckets', token }
        : first === undefined
          ? undefined
          : { of: 'folders', bucket: first };
    return { assets, ...(next && { next: encodeCursor(next) }) };
  }
  const { assets, last } = await listFolders(client, place, cursor, most, signal);
  const following = buckets.find((bucket) => compareBytes(bucket, cursor.bucket) > 0);
  const next: Cursor | undefined =
    last !== undefined
      ? { of: 'folders', bucket: cursor.bucket, after: last }
      : following === undefined
        ? undefined
        : { of: 'folders', bucket: following };
  return { assets, ...(next && { next: encodeCursor(next) }) };
}

async function listBuckets(
  client: S3Client,
  place: Place,
  most: number,
  token: string | undefined,
  signal: AbortSignal,
) {
  try {
    const answer = await client.send(
      new ListBucketsCommand({ MaxBuckets: most, ...(token !== undefined && { ContinuationToken: token }) }),
      { abortSignal: signal },
    );
    if (answer.Buckets === undefined && answer.Owner === undefined) {
      throw new ConnectorError('configuration', 'the answer to a listing of buckets is not S3’s; correct endpoint');
    }
    const shown = (answer.Buckets ?? []).filter(
      ({ Name: bucket = '' }) => place.hiddenAbove({ bucket, key: '' }) === undefined,
    );
    const assets = shown.map(
      ({ Name = '', BucketRegion }): Asset => ({
        asset: Name,
        detail: BucketRegion === undefined ? 'a bucket' : `a bucket in ${BucketRegion}`,
      }),
    );
    return { assets, token: answer.ContinuationToken };
  } catch (error) {
    signal.throwIfAborted();
    throw failure(error, 'listing the buckets of the account', 's3:ListAllMyBuckets on *');
  }
}

async function listFolders(
  client: S3Client,
  place: Place,
  { bucket, after }: { readonly bucket: string; readonly after?: string },
  most: number,
  signal: AbortSignal,
): Promise<{ assets: Asset[]; last: string | undefined }> {
  try {
    const answer = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Delimiter: '/',
        EncodingType: 'url',
        MaxKeys: most,
        // Nothing below a folder that was told: behind all of its keys.
        ...(after !== undefined && { StartAfter: after.endsWith('/') ? `${after}\u{10ffff}` : after }),
      }),
      { abortSignal: signal },
    );
    const decode = decoder(answer.EncodingType);
    const folders = (answer.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix));
    const keys = (answer.Contents ?? []).map(({ Key }) => decode(Key));
    return {
      assets: folders
        .filter((folder) => place.hiddenAbove({ bucket, key: folder }) === undefined)
        .map((folder) => ({ asset: `${bucket}/${folder}`, detail: 'a folder of a bucket' })),
      last: answer.IsTruncated === true ? [...folders, ...keys].sort(compareBytes).at(-1) : undefined,
    };
  } catch (error) {
    signal.throwIfAborted();
    throw failure(error, `listing the folders of ${bucket}`, `s3:ListBucket on arn:aws:s3:::${bucket}`);
  }
}

function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws ConnectorError `configuration` for what is no `next` of ours */
function decodeCursor(text: string): Cursor {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor;
    if (cursor.of === 'buckets' || (cursor.of === 'folders' && typeof cursor.bucket === 'string')) return cursor;
  } catch {
    // Told below.
  }
  throw new ConnectorError('configuration', 'this is no place where a discovery of assets could go on: begin anew');
}
