import { DefaultAzureCredential } from '@azure/identity';
import {
  BlobServiceClient,
  type ContainerClient,
  RestError,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { messageOf } from '../../domain/errors.ts';
import type { BucketAccess } from '../../domain/ledger-place.ts';
import { type LedgerCode, LedgerError } from '../errors.ts';
import type { ObjectStore } from '../store.ts';
import type { Bucket, BucketPage } from './bucket.ts';
import { createBucketStore } from './bucket-store.ts';
import { type Doing, fromFault, networkCode, oneLine, REQUEST_MS } from './faults.ts';

const MEANS: Readonly<Record<string, LedgerCode>> = {
  ContainerNotFound: 'not_there',
  ContainerBeingDeleted: 'not_there',
  ContainerDisabled: 'not_there',
  AccountIsDisabled: 'not_there',
  ResourceNotFound: 'not_there',
  InvalidUri: 'not_there',
  AuthenticationFailed: 'credentials',
  InvalidAuthenticationInfo: 'credentials',
  NoAuthenticationInformation: 'credentials',
  CredentialUnavailableError: 'credentials',
  AggregateAuthenticationError: 'credentials',
  AuthenticationRequiredError: 'credentials',
  AuthenticationError: 'credentials',
  ServerBusy: 'unavailable',
  OperationTimedOut: 'unavailable',
};
/** What creating an object that is there, or that somebody is writing, is answered with. */
const TAKEN = ['BlobAlreadyExists', 'ConditionNotMet', 'UnauthorizedBlobOverwrite'];
const PAGE_ITEMS = 5_000;
/** One try: whoever calls has retries of his own. */
const OPTIONS: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };

/** The ledger in a container of an Azure storage account. */
export async function openAzureStore(
  place: string,
  { account, bucket, prefix }: { readonly account: string; readonly bucket: string; readonly prefix: string },
  access: BucketAccess = {},
  pageItems = PAGE_ITEMS,
): Promise<ObjectStore> {
  const service = serviceOf(account, access);
  const container = service.getContainerClient(bucket);
  const root = `az://${account}/${bucket}`;
  return createBucketStore(azureContainer(container, root, pageItems), { place, prefix, conditional: true });
}

function serviceOf(account: string, { endpoint, accountKey, sasToken }: BucketAccess): BlobServiceClient {
  const url = endpoint ?? `https://${account}.blob.core.windows.net`;
  if (sasToken !== undefined) {
    return new BlobServiceClient(`${url}?${sasToken.reveal().replace(/^\?/, '')}`, undefined, OPTIONS);
  }
  if (accountKey !== undefined) {
    return new BlobServiceClient(url, new StorageSharedKeyCredential(account, accountKey.reveal()), OPTIONS);
  }
  return new BlobServiceClient(url, new DefaultAzureCredential(), OPTIONS);
}

function azureContainer(container: ContainerClient, root: string, pageItems: number): Bucket {
  const ask = async <Result>(
    doing: Doing,
    key: string,
    request: (abortSignal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await request(AbortSignal.timeout(REQUEST_MS));
    } catch (error) {
      throw failure(error, doing, `${root}/${key}`);
    }
  };
  const upload = (key: string, bytes: Uint8Array, conditions: { ifNoneMatch?: '*' }): Promise<'created' | 'taken'> =>
    ask('write', key, async (abortSignal) => {
      try {
        await container.getBlockBlobClient(key).upload(bytes, bytes.length, { abortSignal, conditions });
        return 'created';
      } catch (error) {
        if (conditions.ifNoneMatch !== undefined && TAKEN.includes(wordsOf(error).code ?? '')) return 'taken';
        throw error;
      }
    });

  return {
    create: (key, bytes) => upload(key, bytes, { ifNoneMatch: '*' }),
    async write(key, bytes) {
      await upload(key, bytes, {});
    },
    get: (key) =>
      ask('read', key, async (abortSignal) => {
        const blob = container.getBlobClient(key);
        const { readableStreamBody, contentLength = 0 } = await blob.download(0, undefined, {
          abortSignal,
          maxRetryRequests: 0,
        });
        const chunks: Buffer[] = [];
        for await (const chunk of readableStreamBody ?? []) chunks.push(Buffer.from(chunk));
        const bytes = Buffer.concat(chunks);
        if (bytes.length !== contentLength) throw new Error(`it ended after ${bytes.length} of ${contentLength} bytes`);
        return bytes;
      }),
    async *list(prefix, byFolder) {
      for (let token: string | undefined, first = true; first || (token !== undefined && token !== ''); first = false) {
        const from = { maxPageSize: pageItems, ...(token !== undefined && { continuationToken: token }) };
        const { page, next } = await ask('list', prefix, (abortSignal) =>
          byFolder ? folderPage(container, prefix, from, abortSignal) : flatPage(container, prefix, from, abortSignal),
        );
        if (next !== undefined && next !== '' && next === token) {
          throw failure(new Error('the page behind a page is the same one'), 'list', `${root}/${prefix}`);
        }
        yield page;
        token = next;
      }
    },
    async delete(key) {
      await ask('delete', key, async (abortSignal) => {
        try {
          await container.getBlobClient(key).delete({ abortSignal });
        } catch (error) {
          if (wordsOf(error).code !== 'BlobNotFound') throw error;
        }
      });
    },
    close: async () => undefined,
  };
}

type From = { maxPageSize: number; continuationToken?: string };
type Found = { page: BucketPage; next: string | undefined };
type Blob = { name: string; properties: { contentLength?: number; lastModified: Date } };

async function flatPage(
  container: ContainerClient,
  prefix: string,
  from: From,
  abortSignal: AbortSignal,
): Promise<Found> {
  const { value } = await container.listBlobsFlat({ prefix, abortSignal }).byPage(from).next();
  const { segment, continuationToken } = value ?? {};
  return { page: { objects: (segment?.blobItems ?? []).map(objectOf), folders: [] }, next: continuationToken };
}

async function folderPage(
  container: ContainerClient,
  prefix: string,
  from: From,
  abortSignal: AbortSignal,
): Promise<Found> {
  const { value } = await container.listBlobsByHierarchy('/', { prefix, abortSignal }).byPage(from).next();
  const { segment, continuationToken } = value ?? {};
  const folders = (segment?.blobPrefixes ?? []).map(({ name }: { name: string }) => name);
  return { page: { objects: (segment?.blobItems ?? []).map(objectOf), folders }, next: continuationToken };
}

function objectOf({ name, properties }: Blob): { name: string; size: number; modifiedMs: number } {
  return { name, size: properties.contentLength ?? 0, modifiedMs: properties.lastModified.getTime() };
}

function wordsOf(error: unknown): { status?: number | undefined; code?: string | undefined } {
  if (error instanceof RestError) {
    const { errorCode } = (error.details ?? {}) as { errorCode?: string };
    return { status: error.statusCode, code: errorCode ?? error.code };
  }
  return error instanceof Error ? { code: networkCode(error) ?? error.name } : {};
}

function failure(error: unknown, doing: Doing, what: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const { status, code } = wordsOf(error);
  const means = MEANS[code ?? ''];
  return fromFault({ status, code, means, detail: oneLine(messageOf(error)) }, doing, what, error);
}
