import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { API_PREFIX } from './contract.ts';
import { ApiProblem } from './problems.ts';

export interface GuardOptions {
  /** The bearer key; undefined only on loopback. */
  readonly key: string | undefined;
  /** True when the server listens on loopback alone: `Host` must then name this machine and our port. */
  readonly loopback: boolean;
  /** Names that sources of events may call this server by on loopback too. Nothing else is served under them there. */
  readonly publicHosts: readonly string[];
}

/** Headers that every answer carries. */
export const secureHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  next();
};

/**
 * Who may ask at all. A page of another site that a browser on this machine shows must not reach us (foreign `Origin`), nor one
 * whose name was made to resolve to this machine (foreign `Host`); and the key is asked for on every route but `healthz` and the events,
 * where each source proves itself.
 */
export function createGuard({ key, loopback, publicHosts }: GuardOptions): RequestHandler {
  if (!loopback && key === undefined) throw new Error('An address that other machines can reach needs a key.');
  const expected = key === undefined ? undefined : digest(key);
  return (request, response, next) => {
    const host = request.headers.host ?? '';
    const isPublicHost = EVENTS.test(request.path) && publicHosts.includes(host.toLowerCase());
    if (loopback && !isPublicHost && !isOurs(host, request.socket.localPort)) {
      throw new ApiProblem(
        'host_refused',
        'The Host header must be localhost, 127.0.0.1 or [::1] with the port of this server.',
      );
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new ApiProblem('origin_refused', 'Requests of pages from other origins are refused.');
    }
    if (
      expected !== undefined &&
      !isPublic(request.method, request.path) &&
      !hasKey(request.headers.authorization, expected)
    ) {
      response.set('WWW-Authenticate', 'Bearer');
      throw new ApiProblem('unauthorized', 'Send the key of this API as "Authorization: Bearer KEY".');
    }
    next();
  };
}

/** Where sources call: `events/<source>/<connector>`. */
const EVENTS = new RegExp(`^${API_PREFIX}/events/[^/]+/[^/]+$`);

function isPublic(method: string, path: string): boolean {
  if ((method === 'POST' || method === 'OPTIONS') && EVENTS.test(path)) return true;
  return (method === 'GET' || method === 'HEAD') && path === `${API_PREFIX}/healthz`;
}

function isOurs(host: string, port: number | undefined): boolean {
  const match = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i.exec(host);
  if (match === null || port === undefined) return false;
  return Number(match[2] ?? 80) === port;
}

function isSameOrigin(origin: string, host: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match !== null && match[1]?.toLowerCase() === host.toLowerCase();
}

function hasKey(header: string | undefined, expected: Buffer): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  // Digests have one length, so the comparison tells nothing about the key.
  return given !== undefined && timingSafeEqual(digest(given), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
