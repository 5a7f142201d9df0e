import http, { type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** What a front does with one request. */
export type Treatment =
  | 'pass'
  /** Never answered, and never passed on. */
  | 'hang'
  /** The connection is cut, and nothing is passed on. */
  | 'cut'
  /** Passed on, and cut once the store has answered: the answer is lost. */
  | 'lose-answer'
  /** Passed on once this has resolved. */
  | { readonly after: Promise<unknown> }
  /** Answered by the front itself. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The body of the answer is cut after so many bytes. */
  | { readonly cutBodyAfter: number };

export interface FrontRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Its number among those that change the store (0-based); undefined when it only reads. */
  readonly change: number | undefined;
}

export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  /** Set where the store speaks TLS: the front then does so too, with this key and certificate, and trusts whatever the store has. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Whether a request may change the store; the default is every method but GET, HEAD and OPTIONS. */
  readonly isChange?: (request: Omit<FrontRequest, 'change'>) => boolean;
}

/** Stands in front of a store that speaks HTTP, on a port of its own, and does to its traffic what a test asks for. */
export class HttpFront {
  readonly port: number;
  readonly requests: FrontRequest[] = [];
  /** Set by a test: what is done with each request. Cleared by `calm`. */
  treat: (request: FrontRequest) => Treatment | undefined = () => undefined;
  readonly #server: http.Server;
  readonly #sockets: Set<Socket>;
  readonly #agent: http.Agent;

  private constructor(server: http.Server, agent: http.Agent, sockets: Set<Socket>) {
    this.#server = server;
    this.#agent = agent;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(options: FrontOptions): Promise<HttpFront> {
    const { tls } = options;
    const agent = tls === undefined ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true });
    const sockets = new Set<Socket>();
    const isChange = options.isChange ?? (({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
    let changes = 0;
    const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
      const { method = 'GET', url = '/', headers } = incoming;
      const plain = { method, url, headers };
      const request = { ...plain, change: isChange(plain) ? changes++ : undefined };
      front.requests.push(request);
      void serve(incoming, response, front.treat(request) ?? 'pass', options, agent);
    };
    const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
    // A connection that the front closes while a request is on its way would look like a failure of the store.
    server.keepAliveTimeout = 0;
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const front = new HttpFront(server, agent, sockets);
    return front;
  }

  /** Changes seen so far. */
  get changes(): number {
    return this.requests.filter(({ change }) => change !== undefined).length;
  }

  calm(): void {
    this.treat = () => undefined;
  }

  /** Whoever speaks through this front is dead before its n-th change (0-based) from now on: that and all later requests hang. */
  dieBefore(n: number): { readonly died: Promise<void> } {
    const base = this.changes;
    const { promise, resolve } = Promise.withResolvers<void>();
    let dead = false;
    this.treat = ({ change }) => {
      if (change !== undefined && change - base >= n) {
        dead = true;
        resolve();
      }
      return dead ? 'hang' : 'pass';
    };
    return { died: promise };
  }

  /** Treats the n-th change (0-based) from now on in this way, once, and everything else not at all. `met` resolves when it came. */
  atChange(n: number, treatment: Treatment): { readonly met: Promise<void> } {
    const base = this.changes;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.treat = ({ change }) => {
      if (change === undefined || change - base !== n) return 'pass';
      resolve();
      return treatment;
    };
    return { met: promise };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  treatment: Treatment,
  { host, port, tls }: FrontOptions,
  agent: http.Agent,
): Promise<void> {
  incoming.on('error', () => undefined);
  response.on('error', () => undefined);
  if (treatment === 'hang') return void incoming.resume();
  if (treatment === 'cut') return void incoming.socket.destroy();
  if (typeof treatment === 'object' && 'status' in treatment) {
    incoming.resume();
    response.writeHead(treatment.status, treatment.headers).end(treatment.body);
    return;
  }
  if (typeof treatment === 'object' && 'after' in treatment) await treatment.after;
  // Names and order of the headers as they came: some of them are signed.
  const options: RequestOptions = { host, port, agent, method: incoming.method, path: incoming.url };
  const raw = { ...options, headers: incoming.rawHeaders, rejectUnauthorized: false } as unknown as RequestOptions;
  const outgoing = (tls === undefined ? http : https).request(raw, (answer) => {
    if (treatment === 'lose-answer') {
      answer.resume();
      answer.once('end', () => incoming.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.once('error', () => response.destroy());
    if (typeof treatment === 'object' && 'cutBodyAfter' in treatment) cutBody(answer, response, treatment.cutBodyAfter);
    else answer.pipe(response);
  });
  outgoing.once('error', () => incoming.socket.destroy());
  response.once('close', () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  incoming.pipe(outgoing);
}

function cutBody(answer: IncomingMessage, response: ServerResponse, after: number): void {
  let left = after;
  answer.on('data', (chunk: Buffer) => {
    if (left < 0) return;
    const part = chunk.subarray(0, left);
    left -= chunk.length;
    if (left >= 0) response.write(part);
    else response.write(part, () => response.socket?.destroy());
  });
  // What is no longer than that goes through whole.
  answer.once('end', () => {
    if (left >= 0) response.end();
  });
}
