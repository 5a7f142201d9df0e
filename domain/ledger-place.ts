import type { Hidden } from './hidden.ts';

/** A bucket and the folder in it where a ledger lies. */
export type LedgerBucket =
  | { readonly kind: 's3' | 'gs'; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'az'; readonly account: string; readonly bucket: string; readonly prefix: string };

/** How a bucket of the ledger is reached. What is absent is found as the vendor's own tools find it. */
export interface BucketAccess {
  /** Address of the storage's API; absent: the vendor's. */
  readonly endpoint?: string;
  /** S3. */
  readonly region?: string;
  /** S3: both or none. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: Hidden;
  /** Azure: one or none. */
  readonly accountKey?: Hidden;
  readonly sasToken?: Hidden;
  /** Google Cloud: file with the key of a service account, or with the description of a federated identity. */
  readonly credentialsFile?: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
const CONTAINER = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;
const ACCOUNT = /^[a-z0-9]{3,24}$/;
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/** What a place of a ledger may be, for messages. */
export const LEDGER_PLACES =
  's3://bucket/prefix, az://account/container/prefix, gs://bucket/prefix or the absolute path of a folder';

/** Whether this names something else than a folder of this host. */
export function isUrl(place: string): boolean {
  return SCHEME.test(place);
}

/**
 * The bucket of `s3://bucket/prefix`, `gs://bucket/prefix` or `az://account/container/prefix`; undefined for anything else. The prefix comes
 * back with `/` at its end, or empty. Its folders are letters, digits, `.`, `_` and `-`, so that nothing in it needs escaping anywhere.
 */
export function parseLedgerBucket(place: string): LedgerBucket | undefined {
  const [, kind, rest] = /^(s3|gs|az):\/\/(.*)$/.exec(place.replace(/\/$/, '')) ?? [];
  if (kind === undefined || rest === undefined) return undefined;
  const segments = rest.split('/');
  const account = kind === 'az' ? segments.shift() : undefined;
  const bucket = segments.shift() ?? '';
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined;
  const prefix = segments.map((segment) => `${segment}/`).join('');
  if (kind === 'az') {
    if (account === undefined || !ACCOUNT.test(account) || !CONTAINER.test(bucket)) return undefined;
    return { kind, account, bucket, prefix };
  }
  return BUCKET.test(bucket) ? { kind: kind === 's3' ? 's3' : 'gs', bucket, prefix } : undefined;
}

/** The URL of a bucket's ledger, without `/` at its end: equal places have equal text. */
export function placeOf(found: LedgerBucket): string {
  const within = [...(found.kind === 'az' ? [found.account] : []), found.bucket, found.prefix];
  return `${found.kind}://${within.join('/')}`.replace(/\/$/, '');
}

/**
 * The prefix under which the ledger lies in a bucket: nothing below it is ever an item. Undefined when it lies elsewhere. Buckets of one name
 * at two S3 endpoints are taken for one, since an endpoint has many names: a ledger that was scanned could be acted upon.
 */
export function ledgerPrefixIn(
  ledger: LedgerBucket | undefined,
  where: { readonly kind: 's3' | 'gs' | 'az'; readonly bucket: string; readonly account?: string },
): string | undefined {
  if (ledger?.kind !== where.kind || ledger.bucket !== where.bucket) return undefined;
  return ledger.kind === 'az' && ledger.account !== where.account ? undefined : ledger.prefix;
}
