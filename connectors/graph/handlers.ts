import type { Context, Middleware } from '@microsoft/microsoft-graph-client';
import { type Agent, type Dispatcher, request } from 'undici';
import { ConnectorError } from '../errors.ts';

/** Bytes of the longest answer that is taken: pages of a listing have some kilobytes an item. */
const LONGEST_ANSWER = 32 * 2 ** 20;
/** Microsoft slows down unnamed traffic first. */
const USER_AGENT = 'NONISV|dsx-connect|dsx-connect';

/** What became of a request, given along with it as its option `failure`. */
export interface Failure {
  error?: unknown;
}

/** Keeps what a later handler raises: the client wraps it in an error without cause. */
export class FirstHandler implements Middleware {
  #next: Middleware | undefined;

  async execute(context: Context): Promise<void> {
    try {
      await this.#next?.execute(context);
    } catch (error) {
      const { failure } = context.options as { failure?: Failure };
      if (failure) failure.error = error;
      throw error;
    }
  }

  setNext(next: Middleware): void {
    this.#next = next;
  }
}

/** Sends the request. A redirection is an answer, so that the token never goes where one leads. */
export class LastHandler implements Middleware {
  readonly #dispatcher: Agent;

  constructor(dispatcher: Agent) {
    this.#dispatcher = dispatcher;
  }

  async execute(context: Context): Promise<void> {
    const { method = 'GET', headers, body, signal } = context.options ?? {};
    const url = typeof context.request === 'string' ? context.request : context.request.url;
    const answer = await request(url, {
      dispatcher: this.#dispatcher,
      method: method as Dispatcher.HttpMethod,
      headers: { ...(headers as Record<string, string>), 'User-Agent': USER_AGENT },
      body: (body ?? null) as string | Buffer | null,
      signal: signal ?? null,
    });
    const text = await textOf(answer, url);
    const empty = answer.statusCode === 204 || answer.statusCode === 304;
    context.response = new Response(empty ? null : text, {
      status: answer.statusCode,
      headers: Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]),
    });
  }
}

/** @throws ConnectorError `configuration` for more than Graph would answer */
async function textOf({ body }: Dispatcher.ResponseData, url: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) {
      const { origin } = new URL(url);
      throw new ConnectorError('configuration', `${origin} answers more than Graph would; check the address of Graph`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
