import { readFileSync } from 'node:fs';
import { ScannerError } from './errors.ts';

/** 2 GiB: the documented cap of `/scan/binary/v2`. */
export const DEFAULT_MAX_BYTES = 2 ** 31;
export const DEFAULT_MAX_CONCURRENCY = 64;
/** Bytes of items in flight, all together. Memory is far less: items are streamed. */
export const DEFAULT_MAX_BYTES_IN_FLIGHT = 2 ** 29;
export const DEFAULT_NO_PROGRESS_MS = 60_000;
export const DEFAULT_HEADERS_TIMEOUT_MS = 600_000;
export const DEFAULT_CONNECT_TIMEOUT_MS = 8_000;

/** One scanner as the configuration names it. Only `name` and `url` have no default. */
export interface ScannerSettings {
  readonly name: string;
  /** Scheme, host and port. A path that was pasted along with it is ignored. */
  readonly url: string;
  /** Sent verbatim in the headers `AUTH` and `AUTH_TOKEN`. */
  readonly token?: string;
  /** The console's number of a protected entity. Absent: the scanner's default. */
  readonly protectedEntity?: number;
  /** Whether facts about the item go along in `X-Custom-Metadata`. They show in the vendor's console. Default false. */
  readonly metadata?: boolean;
  /** Items above it are `unscannable` (`file_too_large`). Default 2 GiB. */
  readonly maxBytes?: number;
  /** The limiter never goes above it. Default 64. */
  readonly maxConcurrency?: number;
  /** Default 512 MiB. */
  readonly maxBytesInFlight?: number;
  /** A file with the PEM certificates to trust instead of the system's. */
  readonly caFile?: string;
  /** The same as text. */
  readonly ca?: string;
  /** False: its certificate is not looked at. Default true. */
  readonly verifyTls?: boolean;
  /** False: an answer of the stand-in closes the gate (`scanner_config`). */
  readonly allowStandIn: boolean;
  /** No byte from the source, to the scanner, or within the answer for this long: `scan_timeout`. Default 60 s. */
  readonly noProgressMs?: number;
  /** How long the scanner may take to answer once it has all bytes. Default 600 s. */
  readonly headersTimeoutMs?: number;
  /** Default 8 s. */
  readonly connectTimeoutMs?: number;
  /** Monotonic milliseconds; for tests. */
  readonly now?: () => number;
  /** Uniform in [0, 1): jitter; for tests. */
  readonly random?: () => number;
}

export interface ResolvedSettings {
  readonly name: string;
  readonly origin: string;
  readonly token: string | undefined;
  readonly protectedEntity: number | undefined;
  readonly metadata: boolean;
  readonly maxBytes: number;
  readonly maxConcurrency: number;
  readonly maxBytesInFlight: number;
  readonly ca: string | undefined;
  readonly verifyTls: boolean;
  readonly allowStandIn: boolean;
  readonly noProgressMs: number;
  readonly headersTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly now: () => number;
  readonly random: () => number;
}

/** @throws ScannerError `scanner_config` that names the setting, never the token. */
export function resolveSettings(s: ScannerSettings): ResolvedSettings {
  return {
    name: s.name,
    origin: originOf(s),
    token: tokenOf(s),
    protectedEntity: wholeNumber(s, 'protectedEntity', s.protectedEntity, 0),
    metadata: s.metadata ?? false,
    maxBytes: wholeNumber(s, 'maxBytes', s.maxBytes, 1) ?? DEFAULT_MAX_BYTES,
    maxConcurrency: wholeNumber(s, 'maxConcurrency', s.maxConcurrency, 1) ?? DEFAULT_MAX_CONCURRENCY,
    maxBytesInFlight: wholeNumber(s, 'maxBytesInFlight', s.maxBytesInFlight, 1) ?? DEFAULT_MAX_BYTES_IN_FLIGHT,
    ca: caOf(s),
    verifyTls: s.verifyTls ?? true,
    allowStandIn: s.allowStandIn,
    noProgressMs: wholeNumber(s, 'noProgressMs', s.noProgressMs, 1) ?? DEFAULT_NO_PROGRESS_MS,
    headersTimeoutMs: wholeNumber(s, 'headersTimeoutMs', s.headersTimeoutMs, 1) ?? DEFAULT_HEADERS_TIMEOUT_MS,
    connectTimeoutMs: wholeNumber(s, 'connectTimeoutMs', s.connectTimeoutMs, 1) ?? DEFAULT_CONNECT_TIMEOUT_MS,
    now: s.now ?? (() => performance.now()),
    random: s.random ?? Math.random,
  };
}

function refuse(s: ScannerSettings, setting: string, problem: string, cause?: unknown): ScannerError {
  return new ScannerError('scanner_config', `Scanner ${s.name}: ${setting} ${problem}.`, { cause });
}

/** The message leaves out the URL: a password may have been written into it. */
function originOf(s: ScannerSettings): string {
  const url = URL.parse(s.url);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw refuse(s, 'url', 'is no http:// or https:// address, such as http://scanner.example:5000');
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse(s, 'url', 'carries a user name or password; DSXA takes a token, set it as such');
  }
  return url.origin;
}

/** Printable ASCII, as a header can carry it. */
function tokenOf(s: ScannerSettings): string | undefined {
  if (s.token === undefined || s.token === '') return undefined;
  if (!/^[\x21-\x7e]+$/.test(s.token)) {
    throw refuse(s, 'token', 'has spaces, line breaks or characters outside ASCII (a trailing newline in its file?)');
  }
  return s.token;
}

function caOf(s: ScannerSettings): string | undefined {
  if (s.ca !== undefined || s.caFile === undefined) return s.ca;
  try {
    return readFileSync(s.caFile, 'utf8');
  } catch (cause) {
    throw refuse(s, 'caFile', `${JSON.stringify(s.caFile)} cannot be read`, cause);
  }
}

function wholeNumber(s: ScannerSettings, setting: string, value: number | undefined, least: number) {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw refuse(s, setting, `must be a whole number of at least ${least}, not ${value}`);
}
