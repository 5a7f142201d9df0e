import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';

const NAME = 'filesystem-connector';

export interface OldConnectorOptions {
  /** `http://host:port` of the API. */
  readonly api: string;
  readonly folder: string;
  readonly uuid?: string;
  readonly action?: string;
  /** Files of one push; undefined: one by one, eight at once. */
  readonly batch?: number;
  readonly token?: string;
  /** Tells its size with the push, and with the bytes. */
  readonly sizes?: boolean;
  /** What it says it enqueued, from what it did. */
  readonly count?: (pushed: number) => number;
  /** Says that an action succeeded, and does nothing. */
  readonly lies?: boolean;
  /** Stops pushing after so many files, as if it had died: it says nothing more. */
  readonly diesAfter?: number;
}

type Json = Record<string, unknown>;

/**
 * A connector as those of the former product are: it lists a folder when it is asked, pushes what it finds, gives files and acts on them. What
 * goes wrong with a file is JSON with status 200. What it pushes it signs, and what it is asked must be signed, once it has a key.
 */
export class OldConnector {
  readonly options: OldConnectorOptions;
  readonly uuid: string;
  readonly quarantine: string;
  /** Requests that were refused for their signature. */
  unsigned = 0;
  reads = 0;
  actions = 0;
  scans: string[] = [];
  pushed = 0;
  key: { id: string; secret: string } | undefined;
  /** The last listing. */
  listing: Promise<void> = Promise.resolve();
  #server: Server | undefined;
  #dead = false;

  constructor(options: OldConnectorOptions) {
    this.options = options;
    this.uuid = options.uuid ?? randomUUID();
    this.quarantine = path.join(path.dirname(options.folder), `${path.basename(options.folder)}-quarantine`);
  }

  get url(): string {
    const address = this.#server?.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}/${NAME}`;
  }

  /** Listens, and registers. @returns the answer to its registration */
  async start(status = 'starting'): Promise<{ status: number; body: Json }> {
    this.#dead = false;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return await this.register(status);
  }

  /** Dies at once: nothing more is pushed or answered. */
  async kill(): Promise<void> {
    this.#dead = true;
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) =>
      this.#server === undefined ? resolve() : this.#server.close(() => resolve()),
    );
    this.#server = undefined;
    await this.listing;
  }

  /** A registration, and every heartbeat. */
  async register(status = 'ready'): Promise<{ status: number; body: Json }> {
    const answer = await this.call('POST', 'connectors/register', this.#model(status), {
      ...(this.options.token !== undefined && { 'X-Enrollment-Token': this.options.token }),
    });
    const { hmac_key_id: id, hmac_secret: secret } = answer.body;
    if (typeof id === 'string' && typeof secret === 'string') this.key = { id, secret };
    return answer;
  }

  async unregister(): Promise<number> {
    return (await this.call('DELETE', `connectors/unregister/${this.uuid}`)).status;
  }

  #model(status: string): Json {
    return {
      name: NAME,
      uuid: this.uuid,
      url: this.url,
      status,
      item_action: this.options.action ?? 'nothing',
      item_action_move_metainfo: this.quarantine,
      asset: this.options.folder,
      filter: '',
      display_icon: `data:image/svg+xml,${'x'.repeat(4_000)}`,
    };
  }

  /** A scan request as it is pushed. */
  async requestOf(location: string, job?: string): Promise<Json> {
    const size = this.options.sizes === false ? null : ((await stat(location).catch(() => undefined))?.size ?? 0);
    return {
      connector: this.#model('ready'),
      location,
      metainfo: path.relative(this.options.folder, location),
      connector_url: this.url,
      size_in_bytes: size,
      scan_job_id: job ?? randomUUID(),
    };
  }

  /** One request to the API: JSON without a content type, signed when there is a key. */
  async call(
    method: string,
    target: string,
    body?: Json | string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Json; headers: Headers }> {
    const url = new URL(`/dsx-connect/api/v1/${target}`, this.options.api);
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const signed = headers.Authorization ?? this.sign(method, `${url.pathname}${url.search}`, text);
    const bytes = Buffer.from(text);
    const response = await fetch(url, {
      method,
      headers: { ...(signed !== undefined && { Authorization: signed }), ...headers },
      ...(bytes.length > 0 && { body: bytes }),
    });
    const answer = await response.text();
    return {
      status: response.status,
      body: answer === '' ? {} : (JSON.parse(answer) as Json),
      headers: response.headers,
    };
  }

  sign(method: string, target: string, body: string, ts = Math.floor(Date.now() / 1000)): string | undefined {
    if (this.key === undefined) return undefined;
    const nonce = randomBytes(12).toString('base64');
    const sig = signatureOf(this.key.secret, method, target, ts, nonce, body);
    return `DSX-HMAC key_id=${this.key.id}, ts=${ts}, nonce=${nonce}, sig=${sig}`;
  }

  /** Lists the folder and pushes it, then says that it is done. A push that fails is lost, and counted all the same. */
  async #list(job: string): Promise<void> {
    const files: string[] = [];
    for (const entry of await readdir(this.options.folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) files.push(path.join(entry.parentPath, entry.name));
    }
    files.sort();
    const most = Math.min(files.length, this.options.diesAfter ?? files.length);
    const { batch } = this.options;
    let count = 0;
    if (batch === undefined) {
      let next = 0;
      const runner = async (): Promise<void> => {
        for (let at = next++; at < most && !this.#dead; at = next++) {
          const raw = await this.call('GET', `scan/jobs/${job}/raw`).catch(() => undefined);
          const data = (raw?.body.data ?? {}) as Json;
          if (data.paused === '1' || data.cancel === '1') continue;
          const answer = await this.call('POST', 'scan/request', await this.requestOf(files[at] ?? '', job)).catch(
            () => undefined,
          );
          if (answer?.status === 202) this.pushed += 1;
          count += 1;
        }
      };
      await Promise.all(Array.from({ length: 8 }, runner));
    } else {
      for (let at = 0; at < most && !this.#dead; at += batch) {
        const requests = await Promise.all(
          files.slice(at, Math.min(at + batch, most)).map((file) => this.requestOf(file, job)),
        );
        const body = { requests, batch_size: batch };
        const answer = await this.call('POST', 'scan/request_batch', body as unknown as Json).catch(() => undefined);
        this.pushed += Number(answer?.body.queued_items ?? 0);
        count += Number(answer?.body.queued_items ?? 0) || requests.length;
      }
    }
    if (this.#dead || most < files.length) return;
    const total = this.options.count?.(count) ?? count;
    await this.call('POST', `scan/jobs/${job}/enqueue_done`, { enqueued_total: total }).catch(() => undefined);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const json = (status: number, value: Json): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    };
    const route = `${request.method} ${url.pathname.replace(`/${NAME}/`, '')}`;
    if (route === 'GET healthz') return json(200, { ok: true });
    if (this.key !== undefined && !this.#isSigned(request, body)) {
      this.unsigned += 1;
      return json(401, { detail: 'bad_signature' });
    }
    switch (route) {
      case 'GET repo_check':
        return json(200, { status: 'success', message: 'ok' });
      case 'POST full_scan': {
        const job = url.searchParams.get('job_id') ?? randomUUID();
        this.scans.push(job);
        this.listing = this.#list(job);
        return json(200, { status: 'success', message: 'Full scan initiated', description: `job_id=${job}` });
      }
      case 'POST read_file':
        return await this.#read(JSON.parse(body) as Json, response, json);
      case 'PUT item_action':
        return json(200, await this.#act(JSON.parse(body) as Json));
      default:
        return json(404, { detail: 'Not Found' });
    }
  }

  #isSigned(request: IncomingMessage, body: string): boolean {
    const fields = new Map(
      (request.headers.authorization ?? '')
        .replace(/^DSX-HMAC /, '')
        .split(',')
        .map((part) => {
          const at = part.indexOf('=');
          return [part.slice(0, at).trim(), part.slice(at + 1)] as const;
        }),
    );
    const { method = '', url = '' } = request;
    const [ts, nonce, id] = [Number(fields.get('ts')), fields.get('nonce') ?? '', fields.get('key_id')];
    const sig = signatureOf(this.key?.secret ?? '', method, url, ts, nonce, body);
    return id === this.key?.id && sig === fields.get('sig');
  }

  async #read(
    { location }: Json,
    response: ServerResponse,
    json: (status: number, value: Json) => void,
  ): Promise<void> {
    this.reads += 1;
    const file = String(location);
    const facts = await stat(file).catch(() => undefined);
    if (facts === undefined || !facts.isFile()) return json(200, { status: 'error', message: 'File not found' });
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      ...(this.options.sizes !== false && { 'Content-Length': facts.size }),
    });
    createReadStream(file).pipe(response);
  }

  async #act({ location, requested_action }: Json): Promise<Json> {
    this.actions += 1;
    const file = String(location);
    const action = String((requested_action as Json | null)?.type ?? this.options.action ?? 'nothing');
    if (this.options.lies) return { status: 'success', message: 'done', item_action: action };
    try {
      if (action === 'delete') await rm(file);
      if (action === 'tag' || action === 'movetag') {
        await readFile(file);
        await writeFile(`${file}.dsx.tags.json`, '{"Verdict":"Malicious"}');
      }
      if (action === 'move' || action === 'movetag') {
        await mkdir(this.quarantine, { recursive: true });
        await rename(file, path.join(this.quarantine, path.basename(file)));
      }
      return { status: 'success', message: 'done', item_action: action };
    } catch {
      return { status: 'error', message: 'it did not work', item_action: action };
    }
  }
}

/** As the former product signs: `METHOD|path_and_query|ts|nonce|` and the body, the secret as it is written. */
export function signatureOf(
  secret: string,
  method: string,
  target: string,
  ts: number,
  nonce: string,
  body: string,
): string {
  return createHmac('sha256', secret).update(`${method}|${target}|${ts}|${nonce}|${body}`).digest('base64');
}
