import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { conditionsOf, holds, type ObjectFacts, type Target, targetsOf } from './gcs-conditions.ts';

/**
 * Stands in front of fake-gcs-server and adds what Google's service does and the fake does not: every `if*GenerationMatch` and
 * `if*MetagenerationMatch` is compared and answered 412, metagenerations are counted, one generation can be deleted for good,
 * objects under a hold stay, buckets come in pages, and permissions can be asked for. Whatever changes an object, or carries a condition, is served one after another.
 */
export class GcsFront {
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #host: string;
  readonly #port: number;
  /** Permissions that nobody has. */
  readonly withheld = new Set<string>();
  /** How often the metadata of a generation changed, by `keyOf`. */
  readonly #changes = new Map<string, number>();
  /** Fields that the fake does not keep, by `keyOf`. */
  readonly #shown = new Map<string, Readonly<Record<string, unknown>>>();
  /** Generations that were deleted for good and that the fake still has. */
  readonly #purged = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  private constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    // A connection that the server closes while a request is on its way would look like a failure of the store.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Starts on a free port of 127.0.0.1, in front of the fake at this host and port. */
  static async start(host: string, port: number): Promise<GcsFront> {
    const front = new GcsFront(host, port);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Adds fields to the live generation of an object, as `temporaryHold`, `storageClass` or `customerEncryption`. */
  async show(bucket: string, name: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const facts = await this.#facts({ bucket, name });
    if (facts === undefined) throw new Error(`there is no object ${bucket}/${name}`);
    const key = keyOf(facts);
    this.#shown.set(key, { ...this.#shown.get(key), ...fields });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const url = new URL(request.url ?? '/', 'http://front');
    const conditions = conditionsOf(url);
    const alone = request.method !== 'GET' || conditions.length > 0;
    const before = this.#turn;
    const mine = Promise.withResolvers<void>();
    if (alone) this.#turn = before.then(() => mine.promise);
    try {
      if (alone) await before;
      await this.#decide(request, response, url);
    } catch {
      request.socket.destroy();
    } finally {
      mine.resolve();
    }
  }

  async #decide(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (url.pathname.endsWith('/iam/testPermissions')) {
      const permissions = url.searchParams.getAll('permissions').filter((one) => !this.withheld.has(one));
      return answerJson(request, response, 200, { kind: 'storage#testIamPermissionsResponse', permissions });
    }
    const { target, source } = targetsOf(url);
    const method = request.method ?? 'GET';
    for (const condition of conditionsOf(url)) {
      const about = condition.source ? source : target;
      if (about === undefined) continue;
      const facts = await this.#facts(about);
      const creates = !condition.source && ['POST', 'PUT'].includes(method);
      if (facts === undefined && !creates && condition.value !== '0') continue;
      if (holds(condition, facts)) continue;
      const reading = method === 'GET' && condition.not;
      return refuse(request, response, reading ? 304 : 412, 'conditionNotMet', NOT_MET);
    }
    if (target !== undefined && method !== 'GET' && method !== 'PATCH') {
      const live = await this.#facts({ bucket: target.bucket, name: target.name });
      const held = live !== undefined && (live.temporaryHold === true || live.eventBasedHold === true);
      if (held && (target.generation === undefined || target.generation === live.generation)) {
        const message = `Object '${target.bucket}/${target.name}' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.`;
        return refuse(request, response, 403, 'objectUnderActiveHold', message);
      }
      if (method === 'DELETE' && target.generation !== undefined) {
        return await this.#deleteGeneration(request, response, target, live);
      }
    }
    await this.#pass(request, response, url, target);
  }

  /** The fake deletes whatever is live, and with versions on keeps what it deletes. */
  async #deleteGeneration(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    live: ObjectFacts | undefined,
  ): Promise<void> {
    const facts = await this.#facts(target);
    if (facts === undefined) return refuse(request, response, 404, 'notFound', 'No such object');
    if (live?.generation === facts.generation) await this.#ask('DELETE', pathOf({ ...target, generation: undefined }));
    this.#purged.add(keyOf(facts));
    request.resume();
    response.writeHead(204).end();
  }

  #pass(request: IncomingMessage, response: ServerResponse, url: URL, target: Target | undefined): Promise<void> {
    return new Promise((resolve) => {
      const { method, rawHeaders } = request;
      const options = { host: this.#host, port: this.#port, agent: this.#agent, method, path: request.url };
      const headers = rawHeaders as unknown as http.OutgoingHttpHeaders;
      const outgoing = http.request({ ...options, headers }, (answer) => {
        answer.once('error', () => response.destroy());
        answer.once('close', () => resolve());
        const media = url.searchParams.get('alt') === 'media' || !isJson(answer);
        if (media) {
          response.writeHead(answer.statusCode ?? 502, this.#mediaHeaders(answer, target));
          answer.pipe(response);
          return;
        }
        void textOf(answer)
          .then((text) => this.#answer(request, response, answer, text, target))
          .catch(() => response.destroy())
          .finally(resolve);
      });
      outgoing.once('error', () => {
        request.socket.destroy();
        resolve();
      });
      response.once('close', () => {
        if (!response.writableFinished) outgoing.destroy();
      });
      request.pipe(outgoing);
    });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    answer: IncomingMessage,
    text: string,
    target: Target | undefined,
  ): Promise<void> {
    const status = answer.statusCode ?? 502;
    let body: unknown = text.trim() === '' ? undefined : JSON.parse(text);
    if (status === 404) body = { error: errorOf(404, 'notFound', 'Not Found') };
    const changed = status < 300 && target !== undefined && ['PATCH', 'PUT'].includes(request.method ?? '');
    if (changed && !(request.url ?? '').startsWith('/upload/')) {
      const facts = await this.#ask('GET', pathOf(target));
      if (facts === undefined) throw new Error('an object that was patched is not there');
      this.#changes.set(keyOf(facts), (this.#changes.get(keyOf(facts)) ?? 0) + 1);
      body = facts;
    }
    const url = new URL(request.url ?? '/', 'http://front');
    const whole = body === undefined ? '' : JSON.stringify(this.#completed(pageOf(body, url)));
    const { location } = answer.headers;
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
      'content-length': Buffer.byteLength(whole),
      ...(location !== undefined && { location }),
    });
    response.end(whole);
  }

  /** Every object in an answer with what the front knows of it; purged generations are not there. */
  #completed(body: unknown): unknown {
    if (typeof body !== 'object' || body === null) return body;
    const { kind, items, resource, ...rest } = body as Record<string, unknown>;
    if (kind === 'storage#object') {
      const facts = { kind, items, resource, ...rest } as unknown as ObjectFacts;
      const metageneration = String(1 + (this.#changes.get(keyOf(facts)) ?? 0));
      return { ...facts, ...this.#shown.get(keyOf(facts)), metageneration };
    }
    if (kind === 'storage#objects' && Array.isArray(items)) {
      const there = items.filter((one: ObjectFacts) => !this.#purged.has(keyOf(one)));
      return { kind, ...rest, ...(there.length > 0 && { items: there.map((one) => this.#completed(one)) }) };
    }
    return resource === undefined ? body : { ...(body as object), resource: this.#completed(resource) };
  }

  #mediaHeaders(answer: IncomingMessage, target: Target | undefined): string[] {
    const generation = answer.headers['x-goog-generation'];
    if (target === undefined || typeof generation !== 'string') return answer.rawHeaders;
    const key = keyOf({ ...target, generation });
    const { storageClass } = this.#shown.get(key) ?? {};
    const more = typeof storageClass === 'string' ? ['x-goog-storage-class', storageClass] : [];
    return [...answer.rawHeaders, 'x-goog-metageneration', String(1 + (this.#changes.get(key) ?? 0)), ...more];
  }

  async #facts(target: Target): Promise<ObjectFacts | undefined> {
    const facts = await this.#ask('GET', pathOf(target));
    if (facts === undefined || this.#purged.has(keyOf(facts))) return undefined;
    return this.#completed(facts) as ObjectFacts;
  }

  /** A question of the front's own. Undefined: not found, or an empty answer. */
  #ask(method: string, path: string): Promise<ObjectFacts | undefined> {
    return new Promise((resolve, reject) => {
      const options = { host: this.#host, port: this.#port, agent: this.#agent, method, path };
      const outgoing = http.request(options, (answer) => {
        textOf(answer)
          .then((text) => resolve(answer.statusCode === 200 && text !== '' ? JSON.parse(text) : undefined))
          .catch(reject);
      });
      outgoing.once('error', reject);
      outgoing.end();
    });
  }
}

const NOT_MET = 'At least one of the pre-conditions you specified did not hold.';

function keyOf({ bucket, name, generation }: Target): string {
  return JSON.stringify([bucket, name, generation]);
}

function pathOf({ bucket, name, generation }: Target): string {
  const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
  return generation === undefined ? path : `${path}?generation=${generation}`;
}

/** The fake gives all buckets at once, in no order. */
function pageOf(body: unknown, { searchParams }: URL): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const { kind, items } = body as { kind?: string; items?: { name: string }[] };
  if (kind !== 'storage#buckets' || items === undefined) return body;
  const most = Number(searchParams.get('maxResults') ?? 1_000);
  const behind = searchParams.get('pageToken') ?? '';
  const coming = items.filter(({ name }) => name > behind).sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = coming.slice(0, most);
  return { kind, items: page, ...(page.length < coming.length && { nextPageToken: page.at(-1)?.name }) };
}

function isJson(answer: IncomingMessage): boolean {
  return answer.headers['content-type']?.startsWith('application/json') === true;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function errorOf(code: number, reason: string, message: string): object {
  return { code, message, errors: [{ domain: 'global', reason, message }] };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  reason: string,
  message: string,
): void {
  answerJson(request, response, status, status === 304 ? undefined : { error: errorOf(status, reason, message) });
}

function answerJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object | undefined,
): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}
