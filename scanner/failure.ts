import { errors } from 'undici';
import { systemCode } from '../domain/errors.ts';
import { type ScannerCode, ScannerError } from './errors.ts';

/** Everything that says "there is no way to this scanner now". */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** A connection that broke: the scanner, its worker, or a socket that it had just closed. */
const DROPPED = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_DESTROYED']);
const PROTOCOL = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE']);
const TIMEOUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Whether the connection broke under the request, as opposed to never having existed. */
export function isDrop(error: unknown): boolean {
  return DROPPED.has(codeOf(error));
}

/** What the transport raised, as a ScannerError. The message carries the system's code, never its text. */
export function transportFailure(name: string, error: unknown): ScannerError {
  // What does not parse is no HTTP. That error is not kept as the cause: it carries what came in.
  if (error instanceof errors.HTTPParserError) {
    return new ScannerError('scanner_protocol', `Scanner ${name}: ${EXPLAIN.scanner_protocol}.`);
  }
  const code = codeOf(error);
  const kind = classify(code);
  return new ScannerError(kind, `Scanner ${name}: ${EXPLAIN[kind] ?? 'the request failed'} (${code || 'unknown'}).`, {
    cause: error,
  });
}

function classify(code: string): ScannerCode {
  if (UNREACHABLE.has(code)) return 'scanner_unreachable';
  if (DROPPED.has(code)) return 'scanner_dropped';
  if (TIMEOUT.has(code)) return 'scan_timeout';
  if (PROTOCOL.has(code)) return 'scanner_protocol';
  if (isTls(code)) return 'scanner_config';
  if (code === 'UND_ERR_INVALID_ARG') return 'scanner_request';
  return 'scanner_transient';
}

const EXPLAIN: Partial<Record<ScannerCode, string>> = {
  scanner_unreachable: 'it cannot be reached; check that it runs and that its address is right',
  scanner_transient: 'the request failed on its way',
  scanner_dropped: 'the connection broke before a whole answer came',
  scan_timeout: 'no answer in time',
  scanner_protocol: 'what came back is no HTTP answer of a scanner',
  scanner_config: 'its certificate is not trusted or TLS fails; check the scheme and the CA file',
  scanner_request: 'the request cannot be made',
};

/** OpenSSL's and Node's own names for a trust or handshake problem. */
function isTls(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/.test(
    code,
  );
}

/** The first code in an aggregate (several addresses tried) or in the chain of causes. */
function codeOf(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth += 1) {
    const code = systemCode(current);
    if (code !== undefined) return code;
    if (current instanceof AggregateError) current = current.errors[0];
    else current = current instanceof Error ? current.cause : undefined;
  }
  return '';
}
