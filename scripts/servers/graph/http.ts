import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsPair } from './certificate.ts';

export interface Request {
  readonly server: 'graph' | 'token' | 'download';
  readonly method: string;
  /** Path, still encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes out as JSON. */
  readonly body?: Buffer | string | object;
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfter?: number;
}

/** A refusal in the words of Graph. */
export class GraphFailure extends Error {
  readonly reply: Reply;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    const innerError = { date: new Date().toISOString(), 'request-id': crypto.randomUUID() };
    this.reply = { status, headers, body: { error: { code, message, innerError } } };
  }
}

/** The body as a JSON object. @throws GraphFailure 400 */
export function jsonOf(request: Request): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, as for any other text.
  }
  throw new GraphFailure(400, 'BadRequest', 'The body is no JSON object.');
}

export interface Listening {
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves HTTPS on a free port of 127.0.0.1. What `answer` throws that is no GraphFailure is a 500. */
export async function listen(
  server: Request['server'],
  tls: TlsPair,
  answer: (request: Request) => Promise<Reply> | Reply,
  log: (request: Request, status: number) => void,
): Promise<Listening> {
  const listening = https.createServer({ key: tls.key, cert: tls.cert }, (incoming, response) => {
    incoming.on('error', () => undefined);
    response.on('error', () => undefined);
    void receive(server, incoming)
      .then(async (request) => {
        const reply = await Promise.resolve(request).then(answer).catch(refusal);
        log(request, reply.status);
        send(response, reply);
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    port,
    async stop() {
      const closed = new Promise((resolve) => listening.close(resolve));
      listening.closeAllConnections();
      await closed;
    },
  };
}

async function receive(server: Request['server'], incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = 'GET', url = '/', headers } = incoming;
  const [path = '/', ...rest] = url.split('?');
  return {
    server,
    method,
    path,
    query: new URLSearchParams(rest.join('?')),
    url,
    headers,
    body: Buffer.concat(chunks),
  };
}

function refusal(error: unknown): Reply {
  if (error instanceof GraphFailure) return error.reply;
  return new GraphFailure(500, 'generalException', `The stand-in failed: ${String(error)}`).reply;
}

function send(response: ServerResponse, { status, headers, body, cutAfter }: Reply): void {
  const isBytes = Buffer.isBuffer(body);
  const isJson = typeof body === 'object' && !isBytes;
  // Bytes are sent as they are: a copy of a large file would be held while it is read.
  const bytes = isBytes ? body : Buffer.from(isJson ? JSON.stringify(body) : (body ?? ''));
  const type = isJson ? { 'content-type': 'application/json; odata.metadata=minimal; charset=utf-8' } : {};
  const length = status === 204 ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { 'request-id': crypto.randomUUID(), ...type, ...length, ...headers });
  if (cutAfter === undefined) response.end(bytes);
  else response.write(bytes.subarray(0, cutAfter), () => response.destroy());
}
