import { ApiError, type Bucket as GcsBucket, type GetFilesOptions, Storage } from '@google-cloud/storage';
import { messageOf } from '../../domain/errors.ts';
import type { BucketAccess } from '../../domain/ledger-place.ts';
import { isLedgerError, type LedgerCode, LedgerError } from '../errors.ts';
import type { ObjectStore, StoredObject } from '../store.ts';
import type { Bucket } from './bucket.ts';
import { createBucketStore } from './bucket-store.ts';
import { type Doing, fromFault, networkCode, oneLine, REQUEST_MS } from './faults.ts';

const PAGE_ITEMS = 1_000;

/**
 * The ledger in a Google Cloud Storage bucket. An endpoint of one's own is spoken to without credentials, unless a file of them is named.
 * @throws LedgerError `credentials` when there are none
 */
export async function openGcsStore(
  place: string,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  { endpoint, credentialsFile }: BucketAccess = {},
  pageItems = PAGE_ITEMS,
): Promise<ObjectStore> {
  const storage = new Storage({
    ...(endpoint !== undefined && { apiEndpoint: endpoint, useAuthWithCustomEndpoint: credentialsFile !== undefined }),
    ...(credentialsFile !== undefined && { keyFilename: credentialsFile }),
    retryOptions: { autoRetry: false, maxRetries: 0 },
    timeout: REQUEST_MS,
  });
  if (endpoint === undefined || credentialsFile !== undefined) {
    try {
      await storage.authClient.getClient();
    } catch (cause) {
      const what = `There are no credentials for ${place}. Set DSX_LEDGER_CREDENTIALS_FILE, or those of the host.`;
      throw new LedgerError('credentials', place, what, { cause });
    }
  }
  return createBucketStore(gcsBucket(storage.bucket(bucket), pageItems), { place, prefix, conditional: true });
}

function gcsBucket(bucket: GcsBucket, pageItems: number): Bucket {
  const ask = async <Result>(doing: Doing, key: string, request: () => Promise<Result>): Promise<Result> => {
    try {
      return await within(request());
    } catch (error) {
      throw failure(error, doing, `gs://${bucket.name}/${key}`);
    }
  };
  const upload = (key: string, bytes: Uint8Array, free: boolean): Promise<'created' | 'taken'> =>
    ask('write', key, async () => {
      const file = bucket.file(key, free ? { preconditionOpts: { ifGenerationMatch: 0 } } : {});
      try {
        await file.save(Buffer.from(bytes), { resumable: false, validation: 'crc32c' });
        return 'created';
      } catch (error) {
        if (free && wordsOf(error).status === 412) return 'taken';
        throw error;
      }
    });
  const listPage = (prefix: string, query: GetFilesOptions): Promise<Listed> =>
    ask('list', prefix, async () => {
      const [files, , answer] = await bucket.getFiles({ ...query, prefix, autoPaginate: false });
      const { nextPageToken, prefixes } = (answer ?? {}) as { nextPageToken?: string; prefixes?: string[] };
      return { objects: files.map(objectOf), folders: prefixes ?? [], next: nextPageToken };
    });

  return {
    create: (key, bytes) => upload(key, bytes, true),
    async write(key, bytes) {
      await upload(key, bytes, false);
    },
    async get(key) {
      try {
        return await ask('read', key, async () => (await bucket.file(key).download({ validation: 'crc32c' }))[0]);
      } catch (error) {
        // The answer is the same for a bucket that is not there; a listing tells.
        if (isLedgerError(error, 'not_found')) await listPage(key, { maxResults: 1 });
        throw error;
      }
    },
    async *list(prefix, byFolder) {
      for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
        const page = await listPage(prefix, {
          maxResults: pageItems,
          ...(byFolder && { delimiter: '/' }),
          ...(token !== undefined && { pageToken: token }),
        });
        yield page;
        token = page.next;
      }
    },
    async delete(key) {
      await ask('delete', key, () => bucket.file(key).delete({ ignoreNotFound: true }));
    },
    close: async () => undefined,
  };
}

interface Listed {
  readonly objects: readonly StoredObject[];
  readonly folders: readonly string[];
  readonly next: string | undefined;
}

function objectOf({
  name,
  metadata,
}: {
  name: string;
  metadata: { size?: string | number; updated?: string };
}): StoredObject {
  return { name, size: Number(metadata.size ?? 0), modifiedMs: Date.parse(metadata.updated ?? '') || 0 };
}

/** The client has a timeout for a connection's silence only. */
async function within<Result>(request: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${REQUEST_MS / 1000} s`)), REQUEST_MS);
  try {
    return await Promise.race([request, late]);
  } finally {
    clearTimeout(timer);
  }
}

function wordsOf(error: unknown): { status?: number | undefined; code?: string | undefined } {
  if (error instanceof ApiError) return { status: error.code, code: error.errors?.[0]?.reason };
  if (!(error instanceof Error)) return {};
  const { status, response } = error as { status?: number; response?: { status?: number; data?: { error?: unknown } } };
  // What the token's issuer said, in the words of OAuth.
  const said = response?.data?.error;
  return {
    status: status ?? response?.status,
    code: typeof said === 'string' ? said : (networkCode(error) ?? error.name),
  };
}

const OAUTH = ['invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_scope', 'access_denied'];

function meaningOf(doing: Doing, status: number | undefined, code: string | undefined): LedgerCode | undefined {
  if (OAUTH.includes(code ?? '') || code === 'authError') return 'credentials';
  if (code === 'rateLimitExceeded' || code === 'userRateLimitExceeded') return 'unavailable';
  // Only reading and removing are about an object that is there.
  if (status === 404 && (doing === 'write' || doing === 'list')) return 'not_there';
  return undefined;
}

function failure(error: unknown, doing: Doing, what: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const { status, code } = wordsOf(error);
  const means = meaningOf(doing, status, code);
  return fromFault({ status, code, means, detail: oneLine(messageOf(error)) }, doing, what, error);
}
