import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { messageOf } from '../../domain/errors.ts';
import type { BucketAccess } from '../../domain/ledger-place.ts';
import { type LedgerCode, LedgerError } from '../errors.ts';
import type { ObjectStore } from '../store.ts';
import type { Bucket, BucketPage } from './bucket.ts';
import { createBucketStore } from './bucket-store.ts';
import { CONNECTIONS, type Doing, fromFault, networkCode, oneLine, REQUEST_MS } from './faults.ts';

const MEANS: Readonly<Record<string, LedgerCode>> = {
  NoSuchBucket: 'not_there',
  PermanentRedirect: 'not_there',
  IllegalLocationConstraintException: 'not_there',
  AuthorizationHeaderMalformed: 'not_there',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  RequestTimeTooSkewed: 'credentials',
  CredentialsProviderError: 'credentials',
  TokenProviderError: 'credentials',
  RequestTimeout: 'unavailable',
  SlowDown: 'unavailable',
  QuotaExceeded: 'no_space',
  XMinioStorageFull: 'no_space',
};

/** An empty listing or a write must not be taken from whatever else answers with a success. */
const NOT_S3 = 'the answer is not that of S3';

/** Most that a listing answers at once. */
const PAGE_ITEMS = 1_000;

/**
 * The ledger in an S3 bucket, or in one of a store that speaks S3.
 * @throws LedgerError `not_there` when no region is set anywhere
 */
export async function openS3Store(
  place: string,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  access: BucketAccess = {},
  pageItems = PAGE_ITEMS,
): Promise<ObjectStore> {
  const { endpoint, region, accessKeyId, secretAccessKey } = access;
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...((region ?? endpoint) !== undefined && { region: region ?? 'us-east-1' }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } }),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      httpAgent: { maxSockets: CONNECTIONS },
      httpsAgent: { maxSockets: CONNECTIONS },
    }),
  });
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    throw new LedgerError('not_there', place, `The region of ${place} is not known. Set DSX_LEDGER_REGION.`, { cause });
  }
  return createBucketStore(s3Bucket(client, bucket, pageItems), { place, prefix, conditional: false });
}

function s3Bucket(client: S3Client, bucket: string, pageItems: number): Bucket {
  const ask = async <Result>(
    doing: Doing,
    key: string,
    request: (abortSignal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await request(AbortSignal.timeout(REQUEST_MS));
    } catch (error) {
      throw failure(error, doing, `s3://${bucket}/${key}`);
    }
  };
  const put = async (
    key: string,
    bytes: Uint8Array,
    abortSignal: AbortSignal,
    condition: { IfNoneMatch?: '*' } = {},
  ) => {
    const input = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length, ...condition };
    const { ETag } = await client.send(new PutObjectCommand(input), { abortSignal });
    if (ETag === undefined) throw new Error(NOT_S3);
  };

  return {
    create: (key, bytes) =>
      ask('write', key, async (abortSignal) => {
        try {
          await put(key, bytes, abortSignal, { IfNoneMatch: '*' });
        } catch (error) {
          const { status, code } = wordsOf(error);
          if (status === 412 || code === 'ConditionalRequestConflict') return 'taken';
          // A store that does not know the condition is found to overwrite.
          if (status !== 501) throw error;
          await put(key, bytes, abortSignal);
        }
        return 'created';
      }),
    async write(key, bytes) {
      await ask('write', key, (abortSignal) => put(key, bytes, abortSignal));
    },
    get: (key) =>
      ask('read', key, async (abortSignal) => {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
        const bytes = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
        if (found.ETag === undefined) throw new Error(NOT_S3);
        return bytes;
      }),
    async *list(prefix, byFolder) {
      for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
        const input: ListObjectsV2CommandInput = {
          Bucket: bucket,
          Prefix: prefix,
          MaxKeys: pageItems,
          ...(byFolder && { Delimiter: '/' }),
          ...(token !== undefined && { ContinuationToken: token }),
        };
        const page = await ask('list', prefix, async (abortSignal) => {
          const answer = await client.send(new ListObjectsV2Command(input), { abortSignal });
          if (answer.Name !== bucket || answer.IsTruncated === undefined) throw new Error(NOT_S3);
          const stuck = answer.NextContinuationToken === undefined || answer.NextContinuationToken === token;
          if (answer.IsTruncated && stuck) throw new Error('a page is cut short and does not say where it goes on');
          return answer;
        });
        yield {
          objects: (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
            name: Key,
            size: Size,
            modifiedMs: LastModified?.getTime() ?? 0,
          })),
          folders: (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
        } satisfies BucketPage;
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      }
    },
    async delete(key) {
      await ask('delete', key, (abortSignal) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }),
      );
    },
    close: async () => client.destroy(),
  };
}

function wordsOf(error: unknown): { status?: number | undefined; code?: string | undefined } {
  if (error instanceof S3ServiceException) return { status: error.$metadata.httpStatusCode, code: error.name };
  if (!(error instanceof Error)) return {};
  // What is no XML (a proxy's page) is no exception of the service, and has a status all the same.
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return { status: $metadata?.httpStatusCode, code: networkCode(error) ?? error.name };
}

function failure(error: unknown, doing: Doing, what: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const { status, code } = wordsOf(error);
  const means = MEANS[code ?? ''];
  return fromFault({ status, code, means, detail: oneLine(messageOf(error)) }, doing, what, error);
}
