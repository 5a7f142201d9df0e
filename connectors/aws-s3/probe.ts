import { randomUUID } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ItemAction } from '../../domain/action.ts';
import { ConnectorError } from '../errors.ts';
import { copySource } from './actions/copy.ts';
import { failure, statusOf } from './failures.ts';
import type { Area } from './place.ts';
import type { AwsS3Settings } from './settings.ts';

/** No object has this ETag. */
const NO_ETAG = '"00000000000000000000000000000000"';

/** Deletes what is not there, under a condition that never holds: only the permission can be refused. @throws ConnectorError */
export async function probeDelete(
  client: S3Client,
  { bucket, prefix }: Area,
  { purge }: AwsS3Settings,
  signal: AbortSignal,
): Promise<string> {
  const Key = `${prefix}.dsx-check-${randomUUID()}`;
  await allowed(
    client.send(new DeleteObjectCommand({ Bucket: bucket, Key, IfMatch: NO_ETAG }), { abortSignal: signal }),
    `deleting in ${bucket}`,
    `s3:DeleteObject on arn:aws:s3:::${bucket}/${prefix}*`,
  );
  if (purge !== true) return 'objects can be deleted';
  await allowed(
    client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId: 'null' }), { abortSignal: signal }),
    `deleting versions in ${bucket}`,
    `s3:DeleteObjectVersion on arn:aws:s3:::${bucket}/${prefix}*`,
  );
  return 'objects and versions of them can be deleted';
}

/** Tags of what is not there are read, and for actions that tag in place written. @throws ConnectorError */
export async function probeTags(
  client: S3Client,
  { bucket, prefix }: Area,
  action: ItemAction,
  versioned: boolean,
  signal: AbortSignal,
): Promise<string> {
  const key = { Bucket: bucket, Key: `${prefix}.dsx-check-${randomUUID()}` };
  const target = versioned ? { ...key, VersionId: 'null' } : key;
  const what = versioned ? 'ObjectVersionTagging' : 'ObjectTagging';
  const where = `on arn:aws:s3:::${bucket}/${prefix}*`;
  await allowed(
    client.send(new GetObjectTaggingCommand(target), { abortSignal: signal }),
    `reading tags in ${bucket}`,
    `s3:Get${what} ${where}`,
  );
  if (versioned && action !== 'tag') {
    const look = client.send(new HeadObjectCommand(target), { abortSignal: signal });
    await allowed(look, `reading versions in ${bucket}`, `s3:GetObjectVersion ${where}`, true);
  }
  if (action !== 'tag') return versioned ? 'versions and tags can be read' : 'tags can be read';
  const none = new PutObjectTaggingCommand({ ...target, Tagging: { TagSet: [] } });
  await allowed(client.send(none, { abortSignal: signal }), `writing tags in ${bucket}`, `s3:Put${what} ${where}`);
  return 'tags can be read and written';
}

/** What a request met that is about nothing: everything but a refusal of the permission is well. `bare`: its answer has no body. */
async function allowed(call: Promise<unknown>, doing: string, permission: string, bare = false): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (bare && statusOf(error) === 404) return;
    const found = failure(error, doing, permission);
    if (found.code !== 'not_found' && found.code !== 'changed') throw found;
  }
}

/**
 * Writes, copies and deletes in quarantine, and sees that the store keeps to the conditions on which every action rests.
 * @throws ConnectorError
 */
export async function probeConditions(
  client: S3Client,
  { bucket, prefix }: Area,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  const one = { Bucket: bucket, Key: `${prefix}${id}` };
  const other = { Bucket: bucket, Key: `${prefix}${id}.copy` };
  const CopySource = copySource({ bucket, key: one.Key }, undefined);
  const where = `on arn:aws:s3:::${bucket}/${prefix}*`;
  const made: { Bucket: string; Key: string; VersionId?: string | undefined }[] = [];
  try {
    try {
      const put = await client.send(new PutObjectCommand({ ...one, Body: 'dsx-connect check' }), {
        abortSignal: signal,
      });
      made.push({ ...one, VersionId: put.VersionId });
      const copy = { ...other, CopySource, TaggingDirective: 'REPLACE' as const, Tagging: 'dsx-check=1' };
      const free = { ...copy, CopySourceIfMatch: put.ETag, IfNoneMatch: '*' };
      await refuses(client.send(new CopyObjectCommand({ ...free, CopySourceIfMatch: NO_ETAG })), 'CopySourceIfMatch');
      const { VersionId } = await client.send(new CopyObjectCommand(free), { abortSignal: signal });
      made.push({ ...other, VersionId });
      await refuses(client.send(new CopyObjectCommand(free)), 'If-None-Match of a copy');
    } catch (error) {
      signal.throwIfAborted();
      throw failure(
        error,
        `writing to quarantine ${bucket}/${prefix}`,
        `s3:PutObject and s3:PutObjectTagging ${where}`,
      );
    }
    await refuses(client.send(new DeleteObjectCommand({ ...one, IfMatch: NO_ETAG })), 'If-Match of a deletion');
    const remains = await removeProbes(client, made.splice(0));
    return `${bucket}/${prefix} can be written, and the store keeps to conditions${remains}`;
  } finally {
    await removeProbes(client, made);
  }
}

/** @throws ConnectorError `configuration` when the store did what its condition forbids */
async function refuses(call: Promise<unknown>, condition: string): Promise<void> {
  try {
    await call;
  } catch (error) {
    const found = failure(error, `trying ${condition}`);
    if (found.code === 'changed') return;
    throw found;
  }
  const message = `the store ignores ${condition}, so an action could touch another version than the judged one; choose the action nothing`;
  throw new ConnectorError('configuration', message);
}

/** Versions by their ids where that is allowed, else what is in place. @returns what remains; never throws */
async function removeProbes(
  client: S3Client,
  made: readonly { Bucket: string; Key: string; VersionId?: string | undefined }[],
): Promise<string> {
  let remains = '';
  for (const { Bucket, Key, VersionId } of made) {
    const gone = await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId })).then(
      () => true,
      () => false,
    );
    if (gone) continue;
    await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(() => undefined);
    remains = '; without s3:DeleteObjectVersion what was written to try it remains as versions that are not current';
  }
  return remains;
}
