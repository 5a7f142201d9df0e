import { GraphFailure, type Reply, type Request } from './http.ts';

/** What a test makes of coming requests. */
export interface Rule {
  /** Which requests. The default: those to Graph itself. */
  readonly match?: (request: Request) => boolean;
  /** How many of them; 1 by default. */
  readonly times?: number;
  /** Answered so, and not carried out; or, with a function, carried out, and the answer changed. */
  readonly answer: Reply | ((reply: Reply) => Reply);
}

const refused = (...fault: ConstructorParameters<typeof GraphFailure>): Reply => new GraphFailure(...fault).reply;

/** Too many requests; wait so many seconds. */
export const throttled = (seconds: number): Reply =>
  refused(429, 'activityLimitReached', 'The request has been throttled.', { 'retry-after': String(seconds) });

/** Busy; wait so many seconds. */
export const unavailable = (seconds: number): Reply =>
  refused(503, 'serviceNotAvailable', 'The service is not available.', { 'retry-after': String(seconds) });

export const expired = (): Reply =>
  refused(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.');

export const forbidden = (): Reply =>
  refused(403, 'accessDenied', 'The caller does not have permission to perform the action.');

/** An enumeration must start again, at `location`. */
export const resync = (
  location: string,
  code:
    | 'resyncRequired'
    | 'resyncChangesApplyDifferences'
    | 'resyncChangesUploadDifferences' = 'resyncChangesApplyDifferences',
): Reply =>
  refused(410, code, 'Resync required. Replace any local items with the version of the server.', { location });

/** A web page where JSON should be. */
export const webPage = (status = 200): Reply => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<!DOCTYPE html><html><body>Welcome</body></html>',
});

/** The true answer, of which the connection lets only so many bytes through. */
export const cutAfter =
  (bytes: number) =>
  (reply: Reply): Reply => ({ ...reply, cutAfter: bytes });

/** Rules in the order in which they came; the first that fits is used. */
export class Faults {
  #rules: { readonly rule: Rule; left: number }[] = [];

  inject(rule: Rule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  async treat(request: Request, answer: () => Promise<Reply> | Reply): Promise<Reply> {
    const found = this.#rules.find(({ rule, left }) => left > 0 && (rule.match ?? ofGraph)(request));
    if (found === undefined) return answer();
    found.left -= 1;
    const treatment = found.rule.answer;
    return typeof treatment === 'function' ? treatment(await answer()) : treatment;
  }
}

function ofGraph({ server }: Request): boolean {
  return server === 'graph';
}
