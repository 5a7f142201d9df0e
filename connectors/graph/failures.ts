import { messageOf, systemCode } from '../../domain/errors.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';
import type { Answer } from './client.ts';

/** What a request is about: who may not have one item may have the others; who may not have the drive has none. */
export type About = 'item' | 'drive';

/** The answer to a change never came: it may have been made or not, and only the drive can tell. */
export class Unanswered extends ConnectorError {}

/** No connection came about. One that broke is a failure of the moment. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const UNTRUSTED = /^(?:ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/;

/** Why a request got no answer. @throws the reason of an abort */
export function unanswered(error: unknown, doing: string, signal: AbortSignal): ConnectorError {
  if (error instanceof ConnectorError) return error;
  signal.throwIfAborted();
  const code = codeWithin(error);
  const message = `${doing}: ${code ?? messageOf(error)}`;
  if (code !== undefined && UNTRUSTED.test(code)) {
    const remedy = 'its certificate is not trusted here; name its authority in NODE_EXTRA_CA_CERTS';
    return new ConnectorError('configuration', `${message}: ${remedy}`, { cause: error });
  }
  const reached = code === undefined || !UNREACHED.has(code);
  return new ConnectorError(reached ? 'storage_error' : 'unreachable', message, { cause: error });
}

/** The system's code, however deep a client has wrapped it. */
function codeWithin(error: unknown): string | undefined {
  for (let at = error, depth = 0; at !== undefined && at !== null && depth < 6; depth++) {
    const code = systemCode(at);
    if (code !== undefined) return code;
    if (at instanceof AggregateError && at.errors.length > 0) at = at.errors[0];
    else at = at instanceof Error ? at.cause : undefined;
  }
  return undefined;
}

const NEEDED =
  'grant the application Sites.Selected and on the site the role read (write for item actions), or Sites.Read.All (Sites.ReadWrite.All); for OneDrive Files.Read.All (Files.ReadWrite.All)';

/** The connector error that an answer stands for, whatever it is but a success. */
export function failureOf(answer: Answer, doing: string, about: About): ConnectorError {
  const { status, code } = answer;
  const told = `${doing}: ${status}${code === undefined ? '' : ` ${code}`}`;
  const raise = (kind: ConnectorCode, remedy = '', more: { retryAfterMs?: number } = {}) =>
    new ConnectorError(kind, remedy === '' ? told : `${told}: ${remedy}`, more);
  const wait = answer.retryAfterMs;
  if (status === 429 || status === 509 || (status === 503 && wait !== undefined)) {
    return raise('throttled', 'Graph asks us to slow down', wait === undefined ? {} : { retryAfterMs: wait });
  }
  if (status === 401) {
    return raise('credentials', 'the token is refused or has expired; check tenant, client, secret or certificate');
  }
  if (status === 403) {
    if (about === 'drive') return raise('configuration', NEEDED);
    const blocked = code === 'malwareDetected' || code === 'virusInfected';
    return raise('permission_denied', blocked ? 'SharePoint itself holds it back as malware' : NEEDED);
  }
  if (status === 404) {
    if (about === 'item') return raise('not_found');
    return raise('configuration', 'the site, library, user or drive is not there; check the asset of the connector');
  }
  if (status === 410) {
    return raise('listing_expired', 'Graph no longer knows where the listing was; it must start anew');
  }
  if (status === 400 && about === 'item') return raise('not_an_item', 'a drive has no such name');
  if (status < 400) return raise('configuration', 'no answer of Microsoft Graph; check the address of Graph');
  return raise(status === 400 ? 'configuration' : 'storage_error');
}

/** Milliseconds of a `Retry-After`: seconds, or a date. Undefined for anything else. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.round(seconds * 1000) : undefined;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
