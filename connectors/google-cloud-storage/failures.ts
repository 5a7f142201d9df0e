import { messageOf, systemCode } from '../../domain/errors.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';

/** What a request was about: the same answer means another thing for an object than for its bucket. */
export interface Subject {
  /** What was done, for messages: `reading`, `listing`. */
  readonly doing: string;
  readonly bucket?: string;
  readonly key?: string;
}

/** An answer of the service that is no success. */
export class Refusal extends Error {
  readonly status: number;
  /** Google's reasons, as `notFound`, `conditionNotMet`, `objectUnderActiveHold`. */
  readonly reasons: readonly string[];

  constructor(status: number, reasons: readonly string[], message: string) {
    super(message);
    this.status = status;
    this.reasons = reasons;
  }
}

/** The answer behind an error, where there was one. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  return error instanceof ConnectorError && error.cause instanceof Refusal ? error.cause : undefined;
}

const RATE_REASONS = ['rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded', 'dailyLimitExceeded'];
const BILLING_REASONS = [
  'accountDisabled',
  'billingNotEnabled',
  'UserProjectAccountProblem',
  'UserProjectInconsistent',
];
const RETAINED_REASONS = ['objectUnderActiveHold', 'retentionPolicyNotMet', 'objectRetentionPolicyNotMet'];

/** Whether a hold or a retention rule keeps the object as it is. */
export function isRetained(error: unknown): boolean {
  return refusalOf(error)?.reasons.some((reason) => RETAINED_REASONS.includes(reason)) === true;
}

/** Whether a condition of the request did not hold, or what it names is not there. */
export function isElsewise(error: unknown): boolean {
  const status = refusalOf(error)?.status;
  return status === 412 || status === 404;
}

/** The connector error for an answer. `retryAfter` is the header of this name. */
export function refused(refusal: Refusal, about: Subject, retryAfter: string | undefined): ConnectorError {
  const { status, reasons } = refusal;
  const [code, advice] = meaning(status, reasons, about.key !== undefined);
  const waits = code === 'throttled' ? retryAfterMs(retryAfter) : undefined;
  const why = reasons.length > 0 ? `${status}, ${reasons.join(', ')}` : `${status}`;
  const text = `${about.doing} ${nameOf(about)}: the storage answered ${why}${advice === '' ? '' : `; ${advice}`}`;
  return new ConnectorError(code, text, { cause: refusal, ...(waits !== undefined && { retryAfterMs: waits }) });
}

function meaning(status: number, reasons: readonly string[], ofObject: boolean): [ConnectorCode, string] {
  const any = (names: readonly string[]) => reasons.some((reason) => names.includes(reason));
  if (status === 429 || any(RATE_REASONS)) return ['throttled', 'it asks to slow down'];
  if (status === 401) return ['credentials', 'the credentials are refused or have expired; renew them'];
  if (any(BILLING_REASONS)) return ['configuration', "the project's billing is off; switch it on"];
  if (any(['resourceIsEncryptedWithCustomerEncryptionKey'])) return ['customer_key', 'only its owner has the key'];
  if (status === 400 && any(['required', 'UserProjectMissing'])) {
    return [
      'configuration',
      'the requester is to pay for this bucket, which is not supported; switch Requester Pays off',
    ];
  }
  if (status === 403) {
    const advice = 'grant roles/storage.objectViewer to scan, roles/storage.objectUser to act';
    return [ofObject ? 'permission_denied' : 'configuration', advice];
  }
  if (status === 404 && !ofObject) return ['configuration', 'there is no such bucket; correct the asset'];
  if (status === 404) return ['not_found', 'it is not there'];
  if (status === 412) return ['changed', 'another generation is in place'];
  if (status >= 300 && status < 400) return ['configuration', 'it sends elsewhere; correct the endpoint'];
  return ['storage_error', ''];
}

/** Milliseconds, from seconds or a date. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const UNTRUSTED = /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The connector error for a request that got no answer. A connector error is passed through. */
export function unanswered(error: unknown, about: Subject): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const code = systemCode(error) ?? systemCode((error as { cause?: unknown } | undefined)?.cause);
  const text = `${about.doing} ${nameOf(about)}: ${code ?? messageOf(error)}`;
  if (code !== undefined && UNREACHABLE.has(code)) return new ConnectorError('unreachable', text, { cause: error });
  if (code !== undefined && UNTRUSTED.test(code)) {
    const advice = "the endpoint's certificate is not trusted; name its authority in NODE_EXTRA_CA_CERTS";
    return new ConnectorError('configuration', `${text}; ${advice}`, { cause: error });
  }
  return new ConnectorError('storage_error', text, { cause: error });
}

export function nameOf({ bucket, key }: Subject): string {
  if (bucket === undefined) return 'the project';
  return key === undefined ? `bucket ${bucket}` : JSON.stringify(`gs://${bucket}/${key}`);
}
