import { createHash } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import { messageOf } from '../../domain/errors.ts';
import type { BucketAccess } from '../../domain/ledger-place.ts';
import { isLedgerError, type LedgerCode, LedgerError } from '../errors.ts';
import type { ObjectStore, StoredObject } from '../store.ts';
import type { Bucket } from './bucket.ts';
import { createBucketStore } from './bucket-store.ts';
import { type Doing, fromFault, networkCode, oneLine, REQUEST_MS } from './faults.ts';

const PAGE_ITEMS = 1_000;

/**
 * The ledger in a Google Cloud Storage bucket, by its JSON API: the client library sends no request that can be given up. An endpoint of
 * one's own is spoken to without credentials, unless a file of them is named.
 * @throws LedgerError `credentials` when there are none
 */
export async function openGcsStore(
  place: string,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  { endpoint, credentialsFile }: BucketAccess = {},
  pageItems = PAGE_ITEMS,
): Promise<ObjectStore> {
  const base = endpoint ?? 'https://storage.googleapis.com';
  const { authClient } = new Storage(credentialsFile === undefined ? {} : { keyFilename: credentialsFile });
  const known = endpoint === undefined || credentialsFile !== undefined;
  if (known) {
    try {
      await authClient.getClient();
    } catch (cause) {
      const what = `There are no credentials for ${place}. Set DSX_LEDGER_CREDENTIALS_FILE, or those of the host.`;
      throw new LedgerError('credentials', place, `${what} (${oneLine(messageOf(cause))})`);
    }
  }
  const authorize = async (): Promise<Headers> => (known ? authClient.getRequestHeaders(base) : new Headers());
  return createBucketStore(gcsBucket(bucket, base, authorize, pageItems), { place, prefix, conditional: true });
}

/** An answer that is no success. */
class Refused extends Error {
  readonly status: number;
  readonly reason: string | undefined;

  constructor(status: number, body: string) {
    const { error } = parsed(body) as { error?: { message?: string; errors?: { reason?: string }[] } };
    super(error?.message ?? 'no answer of this API');
    this.status = status;
    this.reason = error?.errors?.[0]?.reason;
  }
}

/** An empty listing or a write must not be taken from whatever else answers with a success. */
const NOT_GCS = 'the answer is not that of Google Cloud Storage';

/** @throws LedgerError `unavailable` for an answer that does not say that it is this */
function ofKind<T extends object>(kind: string, bytes: Buffer, doing: Doing, what: string): T {
  const value = parsed(bytes.toString('utf8'));
  if ((value as { kind?: unknown }).kind === kind) return value as T;
  throw failure(new Error(NOT_GCS), doing, what);
}

function parsed(body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

interface Answer {
  /** There is such an object already. */
  readonly taken: boolean;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

interface Listed {
  readonly items?: readonly { name: string; size?: string; updated?: string }[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

function gcsBucket(bucket: string, base: string, authorize: () => Promise<Headers>, pageItems: number): Bucket {
  const objects = `/storage/v1/b/${bucket}/o`;
  const ask = async (doing: Doing, key: string, method: string, path: string, body?: Uint8Array): Promise<Answer> => {
    try {
      const signal = AbortSignal.timeout(REQUEST_MS);
      const headers = await authorize();
      const sent = body === undefined ? {} : { body: new Uint8Array(body) };
      const answer = await fetch(`${base}${path}`, { method, headers, signal, redirect: 'error', ...sent });
      const bytes = Buffer.from(await answer.arrayBuffer());
      // Only writing has a condition.
      if (!answer.ok && answer.status !== 412) throw new Refused(answer.status, bytes.toString('utf8'));
      return { taken: !answer.ok, headers: answer.headers, bytes };
    } catch (error) {
      throw failure(error, doing, `gs://${bucket}/${key}`);
    }
  };
  const pathOf = (key: string): string => `${objects}/${encodeURIComponent(key)}`;
  const upload = (key: string, bytes: Uint8Array, condition: object): Promise<Answer> => {
    const query = new URLSearchParams({ uploadType: 'media', name: key, ...condition });
    return ask('write', key, 'POST', `/upload${objects}?${query}`, bytes);
  };
  const listPage = async (prefix: string, query: object): Promise<Listed> => {
    const fields = 'kind,items(name,size,updated),prefixes,nextPageToken';
    const { bytes } = await ask(
      'list',
      prefix,
      'GET',
      `${objects}?${new URLSearchParams({ prefix, fields, ...query })}`,
    );
    return ofKind<Listed>('storage#objects', bytes, 'list', `gs://${bucket}/${prefix}`);
  };

  return {
    async create(key, bytes) {
      const answer = await upload(key, bytes, { ifGenerationMatch: '0' });
      if (answer.taken) return 'taken';
      ofKind('storage#object', answer.bytes, 'write', `gs://${bucket}/${key}`);
      return 'created';
    },
    async write(key, bytes) {
      const answer = await upload(key, bytes, {});
      ofKind('storage#object', answer.bytes, 'write', `gs://${bucket}/${key}`);
    },
    async get(key) {
      try {
        const { headers, bytes } = await ask('read', key, 'GET', `${pathOf(key)}?alt=media`);
        if (!headers.has('x-goog-generation')) throw failure(new Error(NOT_GCS), 'read', `gs://${bucket}/${key}`);
        const [, told] = /(?:^|,)\s*md5=([^,\s]+)/.exec(headers.get('x-goog-hash') ?? '') ?? [];
        if (told === undefined || told === createHash('md5').update(bytes).digest('base64')) return bytes;
        throw failure(
          new Error('the bytes are not those of the hash that came with them'),
          'read',
          `gs://${bucket}/${key}`,
        );
      } catch (error) {
        // The answer is the same for a bucket that is not there; a listing tells.
        if (isLedgerError(error, 'not_found')) await listPage(key, { maxResults: '1' });
        throw error;
      }
    },
    async *list(prefix, byFolder) {
      for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
        const page = await listPage(prefix, {
          maxResults: String(pageItems),
          ...(byFolder && { delimiter: '/' }),
          ...(token !== undefined && { pageToken: token }),
        });
        yield { objects: (page.items ?? []).map(objectOf), folders: page.prefixes ?? [] };
        if (page.nextPageToken !== undefined && page.nextPageToken === token) {
          throw failure(new Error('the page behind a page is the same one'), 'list', `gs://${bucket}/${prefix}`);
        }
        token = page.nextPageToken;
      }
    },
    async delete(key) {
      try {
        await ask('delete', key, 'DELETE', pathOf(key));
      } catch (error) {
        if (!isLedgerError(error, 'not_found')) throw error;
      }
    },
    close: async () => undefined,
  };
}

function objectOf({ name, size, updated }: NonNullable<Listed['items']>[number]): StoredObject {
  return { name, size: Number(size ?? 0), modifiedMs: Date.parse(updated ?? '') || 0 };
}

function wordsOf(error: unknown): { status?: number | undefined; code?: string | undefined } {
  if (error instanceof Refused) return { status: error.status, code: error.reason };
  if (!(error instanceof Error)) return {};
  // What the issuer of the token said, in the words of OAuth.
  const { status, response } = error as { status?: number; response?: { data?: { error?: unknown } } };
  const said = response?.data?.error;
  return { status, code: typeof said === 'string' ? said : (networkCode(error) ?? error.name) };
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
