import { AuthenticationHandler, Client, ResponseType } from '@microsoft/microsoft-graph-client';
import { Agent, type Dispatcher, request } from 'undici';
import { apart } from '../../domain/abort.ts';
import { ConnectorError } from '../errors.ts';
import type { Credential } from './credential.ts';
import { type About, failureOf, retryAfterMs, Unanswered, unanswered } from './failures.ts';
import { FirstHandler, LastHandler, type Outcome, type Received } from './handlers.ts';
import { encoded } from './names.ts';

/** Graph keeps silent for long over large folders. Milliseconds. */
const ANSWER_PATIENCE_MS = 100_000;
const CONNECT_PATIENCE_MS = 15_000;
const API_VERSION = 'v1.0';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the version: `/drives/…`, its segments encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For messages: what is being done to what. */
  readonly doing: string;
  readonly about?: About;
  /** Answers that are none to raise: the caller looks at the status. */
  readonly accept?: readonly number[];
}

export interface Answer {
  readonly status: number;
  /** The body as JSON; undefined when there is none. */
  readonly body: unknown;
  /** Graph's own word for an error. */
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly location: string | undefined;
}

/** Speaks to Graph: each question is sent once, for whoever asks knows best when to ask again. */
export interface GraphClient {
  /** @throws ConnectorError, Unanswered when the answer to a change is lost */
  ask(question: Question, signal: AbortSignal): Promise<Answer>;
  /** The path and query below the version of a link that Graph gave. @throws ConnectorError `configuration` */
  below(link: string): string;
  /** Opens an address that needs no token, and never gets one. @throws ConnectorError */
  fetch(url: string, doing: string, signal: AbortSignal): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

/** @param graph origin of Graph, without the version */
export function createGraphClient(graph: string, credential: Credential): GraphClient {
  const dispatcher = new Agent({
    headersTimeout: ANSWER_PATIENCE_MS,
    bodyTimeout: ANSWER_PATIENCE_MS,
    connect: { timeout: CONNECT_PATIENCE_MS },
  });
  const baseUrl = `${graph.replace(/\/+$/, '')}/`;
  // The chain is our own: the client's default one retries by itself, and follows redirections.
  const client = Client.initWithMiddleware({
    baseUrl,
    defaultVersion: API_VERSION,
    customHosts: new Set([new URL(baseUrl).hostname]),
    middleware: [
      new FirstHandler(),
      new AuthenticationHandler({ getAccessToken: () => credential.token() }),
      new LastHandler(dispatcher),
    ],
  });

  async function send(question: Question, signal: AbortSignal): Promise<Received> {
    const outcome: Outcome = {};
    const { method = 'GET', path, query = {}, body, headers = {} } = question;
    const call = client
      .api(withQuery(path, query))
      .responseType(ResponseType.RAW)
      .headers(headers)
      .options({ signal, outcome });
    try {
      if (method === 'GET') await call.get();
      else if (method === 'DELETE') await call.delete();
      else if (method === 'PUT') await call.put(body);
      else if (method === 'POST') await call.post(body);
      else await call.patch(body);
    } catch (error) {
      throw outcome.error ?? error;
    }
    // The last handler has either received an answer or thrown.
    return outcome.received as Received;
  }

  return {
    async ask(question, signal) {
      signal.throwIfAborted();
      const { method = 'GET', doing, about = 'item', accept = [] } = question;
      let answer: Answer;
      try {
        answer = answerOf(await apart(signal, (own) => send(question, own)), doing);
      } catch (error) {
        const failure = unanswered(error, doing, signal);
        if (method === 'GET' || (failure.code !== 'unreachable' && failure.code !== 'storage_error')) throw failure;
        throw new Unanswered(failure.code, failure.message, { cause: error });
      }
      if (answer.status === 401) credential.forget();
      if ((answer.status >= 200 && answer.status < 300) || accept.includes(answer.status)) return answer;
      throw failureOf(answer, doing, about);
    },

    below(link) {
      const { pathname, search } = URL.canParse(link) ? new URL(link) : { pathname: '', search: '' };
      const start = pathname.indexOf(`/${API_VERSION}/`);
      if (start >= 0) return pathname.slice(start + API_VERSION.length + 1) + search;
      throw new ConnectorError('configuration', `${link.slice(0, 200)} is no link of Microsoft Graph ${API_VERSION}`);
    },

    async fetch(url, doing, signal) {
      signal.throwIfAborted();
      // The address itself is a secret, and goes into no message and no cause.
      const secure = !baseUrl.startsWith('https:') || (URL.canParse(url) && new URL(url).protocol === 'https:');
      if (!URL.canParse(url) || !secure) {
        throw new ConnectorError('configuration', `${doing}: Graph names no https address; check the address of Graph`);
      }
      try {
        return await request(url, { dispatcher, signal });
      } catch (error) {
        throw unanswered(error, doing, signal);
      }
    },

    close: () => dispatcher.destroy(),
  };
}

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encoded(value).replaceAll('%2C', ',')}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** @throws ConnectorError for a success that is no JSON */
function answerOf({ status, headers, text }: Received, doing: string): Answer {
  const header = (name: string) => headers[name]?.toString();
  const body = text === '' ? undefined : jsonOf(text);
  if (status >= 200 && status < 300 && body === undefined && text !== '') {
    if (/json/.test(header('content-type') ?? '')) {
      throw new ConnectorError('storage_error', `${doing}: the answer of Graph breaks off`);
    }
    const message = `${doing}: answered with ${header('content-type')}, not JSON; check the address of Graph`;
    throw new ConnectorError('configuration', message);
  }
  const error = (body as { error?: { code?: unknown } } | undefined)?.error;
  return {
    status,
    body,
    code: typeof error?.code === 'string' ? error.code : undefined,
    retryAfterMs: retryAfterMs(header('retry-after'), Date.now()),
    location: header('location'),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
