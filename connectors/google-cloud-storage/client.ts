import { Agent, type Dispatcher } from 'undici';
import { ConnectorError } from '../errors.ts';
import { Refusal, refused, type Subject, unanswered } from './failures.ts';
import { createLogin, type Login } from './login.ts';
import { type GcsSettings, GOOGLE_ENDPOINT } from './settings.ts';

/** One request to the JSON API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Encoded path. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** The body, as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What an answer says that it is, as `storage#objects`. Absent: it does not say. */
  readonly kind?: string;
  readonly about: Subject;
}

const CONNECT_MS = 10_000;
/** The longest silence of the service, before its answer and within it. */
const SILENCE_MS = 60_000;
/** More of a refusal is not read. */
const LONGEST_REFUSAL = 64 * 1024;

/**
 * The JSON API: one try for each request, ended by a signal. The vendor's client has the login; its own requests can't be
 * ended, and unpack what is stored packed.
 */
export class GcsClient {
  readonly login: Login;
  readonly #origin: string;
  readonly #agent = new Agent({
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });

  /** @throws ConnectorError `configuration` */
  constructor(settings: GcsSettings) {
    this.login = createLogin(settings);
    this.#origin = settings.endpoint ?? GOOGLE_ENDPOINT;
  }

  /** The JSON of an answer; undefined for that of a deletion. @throws ConnectorError, the signal's reason */
  async json<T>(call: Call, signal: AbortSignal): Promise<T> {
    const answer = await this.request(call, signal);
    const text = await this.#text(answer, call, signal);
    // What was deleted has nothing to say; some stores say so in JSON.
    if (call.method === 'DELETE' && /^(null)?\s*$/.test(text)) return undefined as T;
    const value = isJson(answer) ? objectIn(text) : undefined;
    if (value === undefined || (call.kind !== undefined && value.kind !== call.kind)) throw noService(call);
    return value as T;
  }

  /** An answer that is a success, its body unread. @throws ConnectorError, the signal's reason */
  async request(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    signal.throwIfAborted();
    const path = `${call.path}${queryOf(call.query)}`;
    let answer: Dispatcher.ResponseData;
    try {
      const login = await within(this.login.headers(`${this.#origin}${call.path}`), signal);
      const json = call.body === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' };
      answer = await this.#agent.request({
        origin: this.#origin,
        path,
        method: call.method,
        headers: { ...login, ...json, ...call.headers },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(error, call.about);
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    throw await this.#refusal(answer, call, signal);
  }

  async #refusal(answer: Dispatcher.ResponseData, call: Call, signal: AbortSignal): Promise<ConnectorError> {
    const text = await this.#text(answer, call, signal);
    const retryAfter = answer.headers['retry-after'];
    const { reasons, message } = explained(isJson(answer) ? text : '');
    const refusal = new Refusal(answer.statusCode, reasons, message);
    return refused(refusal, call.about, typeof retryAfter === 'string' ? retryAfter : undefined);
  }

  async #text({ body, statusCode }: Dispatcher.ResponseData, { about }: Call, signal: AbortSignal): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of body) {
        chunks.push(chunk as Buffer);
        length += (chunk as Buffer).length;
        if (statusCode >= 300 && length > LONGEST_REFUSAL) break;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(error, about);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A login can't be ended: its caller goes on without it. */
function within<T>(login: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new ConnectorError('unreachable', "Google's login does not answer"));
    const timer = setTimeout(late, SILENCE_MS);
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    login.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
  });
}

/** What answers is not the service. */
export function noService({ about }: Pick<Call, 'about'>): ConnectorError {
  const text = `${about.doing}: the endpoint does not answer as Google Cloud Storage does; correct the endpoint`;
  return new ConnectorError('configuration', text);
}

function isJson(answer: Dispatcher.ResponseData): boolean {
  return String(answer.headers['content-type'] ?? '').startsWith('application/json');
}

function queryOf(query: Call['query'] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

function objectIn(text: string): { readonly kind?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function explained(text: string): { reasons: string[]; message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; errors?: { reason?: unknown }[] } };
    const reasons = (error?.errors ?? []).map(({ reason }) => reason).filter((one) => typeof one === 'string');
    return { reasons, message: typeof error?.message === 'string' ? error.message : '' };
  } catch {
    return { reasons: [], message: '' };
  }
}
