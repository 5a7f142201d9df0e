import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { STAND_IN_SERVER } from '../judge.ts';
import { type Answer, answerText, distort, statusAnswer } from './answer.ts';
import { IncomingBody } from './body.ts';
import { type EngineRules, inspect } from './engine.ts';
import type { Fault } from './faults.ts';
import type { StandinOptions } from './options.ts';
import type { SeenRequest } from './request-log.ts';
import type { Workers } from './workers.ts';

const MIB = 2 ** 20;

/** What one exchange needs of its server. */
export interface ExchangeHost {
  options(): StandinOptions;
  rules(): EngineRules;
  workers(): Workers;
  readyAt(): number;
  takeFault(metadata: string | undefined): Fault | undefined;
  doom(socket: Socket): void;
  guid(): string;
  enter(): void;
  leave(): void;
  readonly remembers: boolean;
  remember(seen: SeenRequest, then: () => void): void;
}

/** One scan request, from its head to its answer. */
export class ScanExchange {
  readonly #host: ExchangeHost;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #path: string;
  readonly #received = Date.now();
  readonly #metadata: string | undefined;
  readonly #entity: string | undefined;
  readonly #password: Buffer | undefined;
  #body: IncomingBody;
  #fault: Fault | undefined;
  #left = false;
  #sha256 = '';
  #scanId: string | undefined;

  constructor(host: ExchangeHost, request: IncomingMessage, response: ServerResponse, path: string) {
    this.#host = host;
    this.#request = request;
    this.#response = response;
    this.#path = path;
    this.#metadata = single(request.headers['x-custom-metadata']);
    const underscored = (name: string): string | undefined =>
      host.options().dropUnderscores === true ? undefined : single(request.headers[name]);
    this.#entity = underscored('protected_entity');
    const password = underscored('scan_password');
    this.#password = password === undefined ? undefined : Buffer.from(password, 'base64');
    this.#body = new IncomingBody(host.rules().badPatterns);
  }

  start(): void {
    const options = this.#host.options();
    this.#host.enter();
    this.#response.on('close', () => this.#onClose());
    const early = this.#refusal(options);
    if (early !== undefined) {
      this.#finish(early, undefined);
      return;
    }
    this.#fault = this.#host.takeFault(this.#metadata);
    if (this.#fault !== undefined && this.#strikesEarly(this.#fault)) return;
    const limit = options.maxBytes ?? 2 ** 31;
    this.#request.on('data', (chunk: Buffer) => {
      this.#body.add(chunk);
      if (this.#body.bytes > limit && !this.#left) this.#finish(statusAnswer(413), undefined);
      if (this.#fault?.kind === 'reset-mid-body') this.#drop('reset-mid-body');
    });
    this.#request.on('end', () => this.#onWhole());
  }

  /** What is refused by its head alone. */
  #refusal(options: StandinOptions): Answer | undefined {
    const { headers } = this.#request;
    if (options.token !== undefined && !authorised(options, headers)) return statusAnswer(401);
    if (options.requireLength === true && headers['content-length'] === undefined) return statusAnswer(411);
    if (Number(headers['content-length'] ?? 0) > (options.maxBytes ?? 2 ** 31)) return statusAnswer(413);
    if (
      options.entities !== undefined &&
      this.#entity !== undefined &&
      !options.entities.includes(Number(this.#entity))
    ) {
      return distort({ kind: 'bad-entity', params: {} }, this.#plain());
    }
    if (this.#host.readyAt() > this.#received) return distort({ kind: 'initializing', params: {} }, this.#plain());
    return undefined;
  }

  #strikesEarly(fault: Fault): boolean {
    switch (fault.kind) {
      case 'reset-before':
        this.#drop(fault.kind);
        return true;
      case 'hang':
        this.#request.resume();
        return true;
      case 'stop-reading':
        this.#request.pause();
        return true;
      default:
    }
    if (fault.params.early === undefined) return false;
    this.#finish(distort(fault, this.#plain()), undefined);
    return true;
  }

  #onWhole(): void {
    if (this.#left || this.#response.headersSent) return;
    const options = this.#host.options();
    const ms = (options.latencyMs ?? 0) + ((options.latencyPerMibMs ?? 0) * this.#body.bytes) / MIB + this.#slowness();
    if (ms <= 0 && options.workers === undefined) {
      this.#judge(0);
      return;
    }
    const started = this.#host.workers().run(ms, () => this.#judge(ms));
    if (!started) this.#finish({ ...statusAnswer(503), headers: ['Retry-After', '1'] }, undefined);
  }

  #slowness(): number {
    return this.#fault?.kind === 'slow' ? Number(this.#fault.params.ms ?? 1000) : 0;
  }

  #judge(ms: number): void {
    if (this.#left) return;
    const inspected = this.#path.startsWith('/scan/base64') ? this.#decoded() : this.#body.finish();
    this.#sha256 = inspected.sha256;
    const finding = inspect(this.#host.rules(), { ...inspected, password: this.#password });
    this.#scanId = this.#host.guid();
    const text = answerText(finding, {
      guid: this.#scanId,
      bytes: this.#body.bytes,
      sha256: inspected.sha256,
      entity: this.#entity,
      metadata: this.#metadata,
      micros: Math.max(50, Math.round(ms * 1000)),
    });
    const fault = this.#fault;
    if (fault === undefined) this.#finish({ status: 200, type: 'application/json', body: text }, finding.verdict);
    else this.#strike(fault, text, finding.verdict);
  }

  #decoded(): ReturnType<IncomingBody['finish']> {
    const body = new IncomingBody(this.#host.rules().badPatterns);
    body.add(Buffer.from(this.#body.finish().data.toString('latin1'), 'base64'));
    this.#body = body;
    return body.finish();
  }

  #strike(fault: Fault, text: string, verdict: string): void {
    switch (fault.kind) {
      case 'reset':
        this.#drop(fault.kind);
        return;
      case 'close-idle':
        this.#host.doom(this.#request.socket);
        this.#finish(distort(fault, text), verdict);
        return;
      case 'reset-after-headers':
        this.#response.writeHead(200, [...SERVER, 'Content-Length', String(text.length)]);
        this.#response.flushHeaders();
        setImmediate(() => this.#drop(fault.kind));
        return;
      case 'drip':
        this.#drip(text, Number(fault.params.ms ?? 1000), verdict);
        return;
      default:
        this.#finish(distort(fault, text), fault.kind === 'ok' || fault.kind === 'slow' ? verdict : undefined);
    }
  }

  /** One byte at a time, `ms` in all. */
  #drip(text: string, ms: number, verdict: string): void {
    const bytes = Buffer.from(text);
    this.#response.writeHead(200, [...SERVER, 'Content-Length', String(bytes.length)]);
    let at = 0;
    const timer = setInterval(
      () => {
        this.#response.write(bytes.subarray(at, at + 1));
        at += 1;
        if (at < bytes.length) return;
        clearInterval(timer);
        this.#leave();
        this.#host.remember(this.#describe(200, verdict), () => this.#response.end());
      },
      Math.max(1, ms / bytes.length),
    );
    this.#response.on('close', () => clearInterval(timer));
  }

  #finish(answer: Answer, verdict: string | undefined): void {
    this.#leave();
    const impostor = this.#fault?.kind === 'impostor';
    if (!this.#host.remembers) send(this.#response, answer, impostor);
    else this.#host.remember(this.#describe(answer.status, verdict), () => send(this.#response, answer, impostor));
  }

  #drop(why: string): void {
    if (this.#left) return;
    this.#leave();
    this.#host.remember({ ...this.#describe(0, undefined), fault: why }, () => {
      this.#request.socket.resetAndDestroy();
    });
  }

  /** A connection that ended before its answer was due: the client gave up. */
  #onClose(): void {
    if (this.#left) return;
    this.#leave();
    const seen = this.#describe(0, undefined);
    this.#host.remember({ ...seen, fault: seen.fault ?? 'aborted' }, () => {});
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#host.leave();
  }

  /** The answer to an empty body, for faults that strike before there is any. */
  #plain(): string {
    const finding = { verdict: 'Benign', description: 'File identified as benign', fileType: 'Unknown' };
    return answerText(finding, {
      guid: this.#host.guid(),
      bytes: 0,
      sha256: '',
      entity: undefined,
      metadata: undefined,
      micros: 0,
    });
  }

  #describe(status: number, verdict: string | undefined): SeenRequest {
    const { headers } = this.#request;
    const auth = [headers.auth !== undefined && 'AUTH', headers.auth_token !== undefined && 'AUTH_TOKEN']
      .filter(Boolean)
      .join('+');
    return {
      received: this.#received,
      answered: Date.now(),
      path: this.#path,
      ...(headers.host !== undefined && { host: headers.host }),
      bytes: this.#body.bytes,
      sha256: this.#sha256,
      ...(this.#metadata !== undefined && { metadata: this.#metadata }),
      ...(this.#entity !== undefined && { entity: this.#entity }),
      ...(auth !== '' && { auth }),
      ...(this.#password !== undefined && { password: true }),
      ...(headers['transfer-encoding'] !== undefined && { chunked: true }),
      status,
      ...(verdict !== undefined && { verdict }),
      ...(this.#scanId !== undefined && { scanId: this.#scanId }),
      ...(this.#fault !== undefined && { fault: this.#fault.kind }),
    };
  }
}

const SERVER = ['Server', STAND_IN_SERVER, 'Connection', 'keep-alive', 'Content-Type', 'application/json'];

/** `impostor`: without the header by which it is known. */
export function send(response: ServerResponse, answer: Answer, impostor = false): void {
  if (response.headersSent || response.destroyed) return;
  const headers = [
    'Server',
    impostor ? 'gunicorn' : STAND_IN_SERVER,
    'Connection',
    'keep-alive',
    'Content-Type',
    answer.type,
  ];
  headers.push('Content-Length', String(Buffer.byteLength(answer.body)), ...(answer.headers ?? []));
  response.writeHead(answer.status, headers);
  response.end(answer.body);
}

function authorised(options: StandinOptions, headers: IncomingMessage['headers']): boolean {
  const { token, tokenIn = 'either', dropUnderscores = false } = options;
  const plain = headers.auth === token;
  const underscored = !dropUnderscores && headers.auth_token === token;
  if (tokenIn === 'both') return plain && underscored;
  if (tokenIn === 'AUTH') return plain;
  if (tokenIn === 'AUTH_TOKEN') return underscored;
  return plain || underscored;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
