import { ConnectorError } from '../errors.ts';

/** What was being done, and to what, for messages. */
export interface Doing {
  readonly doing: string;
  /** A location, a container, an account: never an address, which may hold a signature. */
  readonly what: string;
}

/** What can be known of an error of the SDK without its text. */
export interface Answer {
  /** Undefined: nothing was answered. */
  readonly status: number | undefined;
  /** Azure's error code, or the system's where nothing was answered. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  /** Azure's id of the request, for its support. */
  readonly request: string | undefined;
  /** Azure itself answered, not something on the way. */
  readonly genuine: boolean;
}

interface Headers {
  get(name: string): string | undefined;
}

/** Undefined when it is no error of a request. */
export function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, code, response } = error as { statusCode?: unknown; code?: unknown; response?: unknown };
  const { headers, status: answered } = (response ?? {}) as { headers?: Headers; status?: unknown };
  const status = typeof answered === 'number' ? answered : statusCode;
  if (error.name !== 'RestError' && typeof status !== 'number') return undefined;
  const told = headers?.get('x-ms-error-code');
  return {
    status: typeof status === 'number' && status > 0 ? status : undefined,
    code: told ?? (typeof code === 'string' ? code : ''),
    retryAfterMs: waitOf(headers),
    request: headers?.get('x-ms-request-id'),
    genuine: isGenuine(headers),
  };
}

/** Azure and its emulators give every answer an id. */
export function isGenuine(headers: Headers | undefined): boolean {
  return headers?.get('x-ms-request-id') !== undefined || headers?.get('x-ms-error-code') !== undefined;
}

function waitOf(headers: Headers | undefined): number | undefined {
  const ms = Number(headers?.get('x-ms-retry-after-ms') ?? headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(ms)) return ms;
  const after = headers?.get('retry-after');
  if (after === undefined) return undefined;
  const seconds = Number(after);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, Math.round(wait)) : undefined;
}

/** Nobody answered there, which waiting alone does not mend. */
const NOBODY = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/;
const TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/;
const IDENTITY =
  /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError|AuthenticationRequiredError)$/;

/** What to do about the codes that settings or permissions explain. */
const ACCESS: Readonly<Record<string, readonly [ConnectorError['code'], string]>> = {
  AuthenticationFailed: [
    'credentials',
    'the key or signature is refused or has expired; renew it, and check the clock of this host',
  ],
  InvalidAuthenticationInfo: ['credentials', 'the credentials are refused; renew them'],
  NoAuthenticationInformation: ['credentials', 'the account gives nothing without credentials; configure some'],
  KeyBasedAuthenticationNotPermitted: ['credentials', 'the account refuses keys; use an identity of Microsoft Entra'],
  AccountIsDisabled: ['credentials', 'the storage account is disabled'],
  AuthorizationProtocolMismatch: ['configuration', 'the signature is for another protocol; use https'],
  AuthorizationServiceMismatch: ['configuration', 'the signature is not for blobs; make one for the blob service'],
  AuthorizationSourceIPMismatch: ['configuration', 'the signature is for other addresses than that of this worker'],
  ContainerNotFound: ['configuration', 'there is no such container; check asset and quarantine'],
  QueueNotFound: ['configuration', 'there is no such queue; check watch.pull'],
  QueueBeingDeleted: ['configuration', 'the queue is being deleted'],
  ContainerDisabled: ['configuration', 'the container is disabled'],
  ContainerBeingDeleted: ['configuration', 'the container is being deleted'],
  InvalidUri: ['configuration', 'the endpoint can not be right'],
};

const CUSTOMER_KEY = /^(BlobUsesCustomerSpecifiedEncryption|BlobDoesNotUseCustomerSpecifiedEncryption|KeyVault\w*)$/;

/** The connector's error for whatever the SDK raised. Nothing of what was raised goes along: it may hold a signature. */
export function failure(error: unknown, { doing, what }: Doing): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { name } = error instanceof Error ? error : { name: '' };
  const fail = (code: ConnectorError['code'], told: string, retryAfterMs?: number) =>
    new ConnectorError(code, `${doing} ${what}: ${told}`, retryAfterMs === undefined ? {} : { retryAfterMs });
  if (IDENTITY.test(name)) {
    return fail('credentials', `Microsoft Entra gives no token (${name}); check the identity and its tenant`);
  }
  const answer = answerOf(error);
  if (answer?.status === undefined) return fail(...silence(answer?.code ?? codeOf(error), name));
  const { status, code, retryAfterMs, request, genuine } = answer;
  const told = [`${status}`, code, request === undefined ? '' : `request ${request}`].filter((part) => part !== '');
  const said = `the store answered ${told.join(' ')}`;
  if (status === 429 || code === 'ServerBusy' || (status === 503 && retryAfterMs !== undefined)) {
    return fail('throttled', `the store asks to slow down; ${said}`, retryAfterMs);
  }
  if (status >= 500) return fail('storage_error', said);
  if (!genuine) {
    return fail('configuration', `${said}, which is no answer of Azure Blob Storage; check account and endpoint`);
  }
  const known = ACCESS[code];
  if (known !== undefined) return fail(known[0], `${known[1]} (${said})`);
  if (CUSTOMER_KEY.test(code)) return fail('customer_key', `it is encrypted with a key of its owner; ${said}`);
  if (code === 'BlobArchived' || code === 'BlobBeingRehydrated') {
    return fail('archived', `it is in the archive tier; ${said}`);
  }
  if (status === 401) return fail('credentials', `the credentials are refused or have expired; ${said}`);
  if (status === 403) {
    const remedy = 'grant a role with the data action that is needed, and let the network rules of the account pass';
    return fail('permission_denied', `${remedy}; ${said}`);
  }
  if (status === 404) return fail('not_found', said);
  if (status === 412 || status === 304) return fail('changed', `another version is in place; ${said}`);
  if (code === 'InvalidResourceName' || code === 'OutOfRangeInput') return fail('not_an_item', said);
  if (status < 300) return fail('storage_error', `the answer broke off; ${said}`);
  return fail('storage_error', said);
}

/** What no answer means, or one that the SDK can make nothing of. */
function silence(code: string, name: string): [ConnectorError['code'], string] {
  if (NOBODY.test(code)) return ['unreachable', `nobody answers (${code}); check account, endpoint and network`];
  if (TLS.test(code))
    return [
      'configuration',
      `no secure connection (${code}); correct the endpoint, or trust its authority with NODE_EXTRA_CA_CERTS`,
    ];
  if (code === '' && /^(TypeError|RangeError)$/.test(name)) {
    return ['configuration', 'the answer is no answer of Azure Blob Storage; check account and endpoint'];
  }
  return ['storage_error', `the connection broke (${code || name || 'no code'})`];
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
