import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf } from '../../domain/errors.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';
import type { Spot } from './place.ts';

/** What S3's error codes mean, whatever is asked. */
const CODES: Readonly<Record<string, ConnectorCode>> = {
  NoSuchKey: 'not_found',
  NoSuchVersion: 'not_found',
  NotFound: 'not_found',
  MethodNotAllowed: 'not_found',
  NoSuchBucket: 'configuration',
  PermanentRedirect: 'configuration',
  TemporaryRedirect: 'configuration',
  AuthorizationHeaderMalformed: 'configuration',
  IllegalLocationConstraintException: 'configuration',
  InvalidBucketName: 'configuration',
  AllAccessDisabled: 'permission_denied',
  AccessDenied: 'permission_denied',
  'KMS.DisabledException': 'permission_denied',
  'KMS.NotFoundException': 'permission_denied',
  'KMS.KMSInvalidStateException': 'permission_denied',
  InvalidObjectState: 'archived',
  KeyTooLongError: 'not_an_item',
  PreconditionFailed: 'changed',
  ConditionalRequestConflict: 'changed',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  RequestTimeTooSkewed: 'credentials',
  RequestExpired: 'credentials',
  AccountProblem: 'credentials',
  NotSignedUp: 'credentials',
  SlowDown: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  RequestLimitExceeded: 'throttled',
  RequestThrottled: 'throttled',
  TooManyRequests: 'throttled',
  BandwidthLimitExceeded: 'throttled',
};

/** Errors of the SDK itself: nothing was sent, or nothing came. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'TimeoutError',
]);
const MISCONFIGURED = /^(ERR_TLS|ERR_SSL|EPROTO|HPE_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_INVALID_URL)/;

/** Text of an error of S3: a code that it answered, not one that the SDK made up for an answer without a body. */
export function s3Code(error: unknown): string | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  const { Code } = error as { Code?: unknown };
  if (typeof Code === 'string' && Code !== '') return Code;
  return ['Unknown', 'UnknownError', 'NotFound', 'Error'].includes(error.name) ? undefined : error.name;
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function headersOf(error: unknown): Readonly<Record<string, string>> {
  return (error as { $response?: { headers?: Record<string, string> } }).$response?.headers ?? {};
}

/**
 * The connector error for whatever a call threw.
 * @param permission what the call needs, as a policy names it
 */
export function failure(error: unknown, doing: string, permission?: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const cause = error instanceof Error && error.cause instanceof ConnectorError ? error.cause : undefined;
  if (cause !== undefined) return cause;
  const code = codeOf(error);
  const retryAfterMs = retryAfter(headersOf(error)['retry-after']);
  return new ConnectorError(code, `${doing}: ${said(error)}${remedy(code, error, permission)}`, {
    cause: error,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeOf(error: unknown): ConnectorCode {
  const status = statusOf(error);
  const headers = headersOf(error);
  const named = s3Code(error);
  if (status === undefined) {
    const { code, name } = error as { code?: string; name?: string };
    if (UNREACHABLE.has(code ?? '') || UNREACHABLE.has(name ?? '')) return 'unreachable';
    if (MISCONFIGURED.test(code ?? '')) return 'configuration';
    return name === 'CredentialsProviderError' ? 'credentials' : 'storage_error';
  }
  if (headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined) return 'customer_key';
  const known = named === undefined ? undefined : CODES[named];
  if (known !== undefined) return known;
  if (status === 429 || (status === 503 && (headers['retry-after'] !== undefined || named === undefined))) {
    return 'throttled';
  }
  // Copies are answered before they are done: then an error has the status of a success.
  if (named !== undefined && status < 300) return 'storage_error';
  // A page of something that is no S3, in front of it or instead of it.
  if (status < 500 && /html/.test(headers['content-type'] ?? '')) return 'configuration';
  if (status === 401) return 'credentials';
  if (status === 403) return 'permission_denied';
  // S3 always names what is not there. What does not is on the way to it, and knows nothing of the object.
  if (status === 404) return 'configuration';
  if (status === 412 || status === 409) return 'changed';
  if (status >= 300 && status < 400) return 'configuration';
  return status < 300 ? 'configuration' : 'storage_error';
}

function said(error: unknown): string {
  const [status, code] = [statusOf(error), s3Code(error)];
  if (status === undefined) return messageOf(error);
  return code === undefined ? `HTTP ${status}` : `${code} (HTTP ${status})`;
}

function remedy(code: ConnectorCode, error: unknown, permission: string | undefined): string {
  const region = headersOf(error)['x-amz-bucket-region'];
  if (code === 'permission_denied') {
    const kms = s3Code(error)?.startsWith('KMS.') ? 'the key of its encryption does not work' : undefined;
    return `; ${kms ?? `grant ${permission ?? 'the permission'} (and kms:Decrypt where a key of KMS encrypts it); buckets whose requester pays are not supported`}`;
  }
  if (code === 'configuration' && region !== undefined) return `; the bucket is in ${region}: set region: ${region}`;
  if (s3Code(error) === 'NoSuchBucket') return '; there is no such bucket: correct asset, or region and endpoint';
  if (code === 'configuration' && statusOf(error) === undefined) {
    return '; correct endpoint (http or https?), or trust its authority with NODE_EXTRA_CA_CERTS';
  }
  if (code === 'configuration') return '; correct endpoint, region and pathStyle';
  if (code === 'credentials') return '; renew the credentials';
  return '';
}

/** Milliseconds of a Retry-After header, in seconds or as a date. */
function retryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** How an object is named in messages. */
export function shown({ bucket, key }: Spot): string {
  return JSON.stringify(`s3://${bucket}/${key}`);
}
