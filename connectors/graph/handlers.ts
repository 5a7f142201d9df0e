import type { Context, Middleware } from '@microsoft/microsoft-graph-client';
import { type Agent, type Dispatcher, request } from 'undici';
import { ConnectorError } from '../errors.ts';

/** Bytes of the longest answer that is taken: pages of a listing have some kilobytes an item. */
const LONGEST_ANSWER = 32 * 2 ** 20;
/** Microsoft slows down unnamed traffic first. */
const USER_AGENT = 'NONISV|dsx-connect|dsx-connect';

/** An answer as it came. */
export interface Received {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
}

/** What became of a request, given along with it as its option `outcome`. */
export interface Outcome {
  error?: unknown;
  received?: Received;
}

/** What the client is given as its answer: it hands it on unread, and one that holds the text is costly to make. */
const ANSWERED = new Response();

/** Keeps what a later handler raises: the client wraps it in an error without cause. */
export class FirstHandler implements Middleware {
  #next: Middleware | undefined;

  async execute(context: Context): Promise<void> {
    try {
      await this.#next?.execute(context);
    } catch (error) {
      outcomeOf(context).error = error;
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
    const { statusCode: status, headers: received } = answer;
    outcomeOf(context).received = { status, headers: received, text: await textOf(answer, url) };
    context.response = ANSWERED;
  }
}

function outcomeOf({ options }: Context): Outcome {
  return (options as { outcome: Outcome }).outcome;
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
