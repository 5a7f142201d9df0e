import type { Request, RequestHandler, Response } from 'express';
import { type FindCaller, setCaller } from './auth/caller.ts';
import { bucketOf, type RateLimit } from './auth/rate.ts';
import { ApiProblem } from './problems.ts';
import { patterns, type Route } from './route.ts';

export interface GuardOptions {
  /** True when the server listens on loopback alone: `Host` must then name this machine and our port. */
  readonly loopback: boolean;
  /** True when a key is needed; it need not be on loopback alone. */
  readonly keyed: boolean;
  readonly find: FindCaller;
  /** Names under which routes that verify their sender are served on loopback too, lower-case. Nothing else is. */
  readonly publicHosts?: readonly string[];
  readonly routes: readonly (Pick<Route, 'path' | 'method' | 'role' | 'basic'> & Partial<Pick<Route, 'greets'>>)[];
  /** Requests of each key, and of each address that has none; undefined: as many as come. */
  readonly limits: { readonly keys: RateLimit; readonly strangers: RateLimit } | undefined;
}

/** Most headers of a request. Their bytes are bounded by the server (16 KiB in all). */
export const MAX_HEADERS = 100;

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
 * whose name was made to resolve to this machine (foreign `Host`); and somebody who is known must ask, on every route but those that are
 * open or verify their sender. What he may do is the route's to say.
 */
export function createGuard({ loopback, keyed, find, routes, limits, publicHosts = [] }: GuardOptions): RequestHandler {
  if (!loopback && !keyed) throw new Error('An address that other machines can reach needs a key.');
  const open = served(routes.filter(({ role }) => role === 'none'));
  const signed = served(routes.filter(({ role }) => role === 'signed'));
  const greeting = patterns(routes.filter(({ greets }) => greets));
  const basics = patterns(routes.filter(({ basic }) => basic));
  return async (request, response, next) => {
    const { method, path } = request;
    const host = request.headers.host ?? '';
    const isSigned = signed(method, path);
    const isPublicHost = isSigned && publicHosts.includes(host.toLowerCase());
    if (loopback && !isPublicHost && !isOurs(host, request.socket.localPort)) {
      throw new ApiProblem(
        'host_refused',
        'The Host header must be localhost, 127.0.0.1 or [::1] with the port of this server.',
      );
    }
    if (request.rawHeaders.length > 2 * MAX_HEADERS) {
      throw new ApiProblem('headers_too_large', `A request may have ${MAX_HEADERS} headers at most.`);
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new ApiProblem('origin_refused', 'Requests of pages from other origins are refused.');
    }
    if (isOfOtherPage(request)) {
      throw new ApiProblem('origin_refused', 'What pages of other sites load by themselves is refused.');
    }
    if (!open(method, path) && !isSigned) {
      const basic = basics.some((one) => one.test(path));
      await letIn(request, response, basic);
    } else if (greeting.some((one) => one.test(path))) {
      await greet(request, response);
    }
    next();
  };

  /** Everybody is let in. A key that is not good, or can't be looked up, is no key. */
  async function greet(request: Request, response: Response): Promise<void> {
    const { authorization } = request.headers;
    const caller = await find(authorization, false).catch(() => undefined);
    if (caller !== undefined) {
      if (keyed) tooMany(limits?.keys.take(caller.actor));
      setCaller(response, caller);
    } else if (authorization !== undefined) {
      tooMany(limits?.strangers.take(bucketOf(request.socket.remoteAddress ?? '')));
    }
  }

  async function letIn(request: Request, response: Response, basic: boolean): Promise<void> {
    const address = bucketOf(request.socket.remoteAddress ?? '');
    const caller = await find(request.headers.authorization, basic);
    if (caller === undefined) {
      // Only what fails is counted: others may share the address with whoever sends wrong keys.
      tooMany(limits?.strangers.take(address));
      response.set('WWW-Authenticate', basic ? ['Basic realm="dsx-connect", charset="UTF-8"', 'Bearer'] : 'Bearer');
      throw new ApiProblem('unauthorized', 'Send a key of this API as "Authorization: Bearer KEY".');
    }
    if (keyed) tooMany(limits?.keys.take(caller.actor));
    setCaller(response, caller);
  }
}

function tooMany(waitMs: number | undefined): void {
  if (waitMs === undefined || waitMs <= 0) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  throw new ApiProblem('too_many_requests', `Ask again in ${retryAfterSeconds} s.`, { extra: { retryAfterSeconds } });
}

function isOurs(host: string, port: number | undefined): boolean {
  const match = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i.exec(host);
  if (match === null || port === undefined) return false;
  return Number(match[2] ?? 80) === port;
}

/** Whether one of these routes serves this method of this path. */
function served(routes: readonly Pick<Route, 'path' | 'method'>[]): (method: string, path: string) => boolean {
  const all = routes.map((one) => ({ method: one.method, paths: patterns([one]) }));
  return (method, path) => {
    const asked = method === 'HEAD' ? 'GET' : method;
    return all.some((one) => one.method === asked && one.paths.some((pattern) => pattern.test(path)));
  };
}

/**
 * A browser sends no `Origin` with what a page embeds (an image, a script), but says where the page is from. A link that a person follows
 * is no such thing.
 */
function isOfOtherPage({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  return (site === 'cross-site' || site === 'same-site') && headers['sec-fetch-dest'] !== 'document';
}

function isSameOrigin(origin: string, host: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match !== null && match[1]?.toLowerCase() === host.toLowerCase();
}
