import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { statusAnswer } from './answer.ts';
import { type ControlState, control } from './control.ts';
import type { EngineRules } from './engine.ts';
import { type ExchangeHost, ScanExchange, send } from './exchange.ts';
import { FaultScript } from './faults.ts';
import type { StandinOptions } from './options.ts';
import { openRequestLog, type SeenRequest } from './request-log.ts';
import { Workers } from './workers.ts';

export const STANDIN_BANNER =
  'This is the stand-in for trying and testing. It is no malware scanner: its "Benign" means nothing.';

export interface Standin {
  readonly url: string;
  readonly port: number;
  /** Closes all connections, waiting ones too. */
  stop(): Promise<void>;
  /** The last requests for a scan, oldest first. */
  requests(): readonly SeenRequest[];
  /** Replaces the fault script. @throws Error that names the fault that is none */
  setFaults(faults: readonly string[]): void;
  setOptions(options: StandinOptions): void;
  stats(): StandinStats;
  /** Forgets requests, counts and faults. */
  reset(): void;
}

export interface StandinStats {
  scans: number;
  connections: number;
  /** Connections open now. */
  open: number;
  /** Scans whose request is being read or answered now, and the most there ever were. */
  inFlight: number;
  mostInFlight: number;
}

const SCAN_PATHS = new Set(['/scan/binary/v2', '/scan/base64/v2']);

/** Starts a stand-in in this process. @throws the error of listening, such as EADDRINUSE */
export async function startStandin(given: StandinOptions = {}): Promise<Standin> {
  const running = new RunningStandin(given);
  await running.listen();
  return running;
}

class RunningStandin implements Standin, ControlState {
  url = '';
  port = 0;
  readonly #server: Server;
  readonly #script = new FaultScript();
  readonly #sockets = new Set<Socket>();
  readonly #log: ReturnType<typeof openRequestLog> | undefined;
  #options: StandinOptions;
  #rules: EngineRules;
  #workers: Workers;
  #seen: SeenRequest[] = [];
  #readyAt: number;
  #guids = 0;
  /** Connections that are dropped as soon as they are used again. */
  readonly #doomed = new WeakSet<Socket>();
  #stats: StandinStats = { scans: 0, connections: 0, open: 0, inFlight: 0, mostInFlight: 0 };

  constructor(options: StandinOptions) {
    this.#options = options;
    this.#rules = rulesOf(options);
    this.#workers = workersOf(options);
    this.#readyAt = Date.now() + (options.startupMs ?? 0);
    this.#log = options.requestLog === undefined ? undefined : openRequestLog(options.requestLog);
    this.#script.set(options.faults ?? []);
    const http = {
      keepAliveTimeout: options.keepAliveMs ?? 2_000,
      maxHeaderSize: options.maxHeaderBytes ?? 16_384,
      requestTimeout: 0,
      headersTimeout: 0,
      noDelay: true,
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#onRequest(request, response);
    this.#server =
      options.tls === undefined
        ? createServer(http, onRequest)
        : createTlsServer({ ...http, ...options.tls }, onRequest);
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket));
  }

  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0, tls } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(port, host, 1024, resolve);
    await promise;
    this.port = (this.#server.address() as AddressInfo).port;
    const shown = host.includes(':') ? `[${host}]` : host;
    this.url = `${tls === undefined ? 'http' : 'https'}://${shown}:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#workers.stop();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
    this.#log?.close();
  }

  requests(): readonly SeenRequest[] {
    return this.#seen;
  }

  setFaults(faults: readonly string[]): void {
    this.#script.set(faults);
  }

  setOptions(options: StandinOptions): void {
    this.#options = { ...this.#options, ...options };
    this.#rules = rulesOf(this.#options);
    this.#workers = workersOf(this.#options);
    if (options.startupMs !== undefined) this.#readyAt = Date.now() + options.startupMs;
  }

  stats(): StandinStats {
    return { ...this.#stats, open: this.#sockets.size };
  }

  reset(): void {
    this.#seen = [];
    this.#script.set([]);
    const { inFlight } = this.#stats;
    this.#stats = { scans: 0, connections: 0, open: 0, inFlight, mostInFlight: inFlight };
  }

  #onConnection(socket: Socket): void {
    this.#stats.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false;
    const path = request.url ?? '/';
    if (!SCAN_PATHS.has(path)) {
      if (path.startsWith('/_standin/')) control(this, request, response);
      else send(response, statusAnswer(404));
      return;
    }
    if (request.method !== 'POST') {
      send(response, statusAnswer(405));
      return;
    }
    if (this.#doomed.has(request.socket)) {
      request.socket.resetAndDestroy();
      return;
    }
    new ScanExchange(this.#host(), request, response, path).start();
  }

  #hostCache: ExchangeHost | undefined;

  #host(): ExchangeHost {
    this.#hostCache ??= {
      options: () => this.#options,
      rules: () => this.#rules,
      workers: () => this.#workers,
      readyAt: () => this.#readyAt,
      takeFault: (metadata) => this.#script.take(metadata),
      doom: (socket) => this.#doomed.add(socket),
      guid: () => this.#guid(),
      enter: () => {
        const stats = this.#stats;
        stats.scans += 1;
        stats.inFlight += 1;
        if (stats.inFlight > stats.mostInFlight) stats.mostInFlight = stats.inFlight;
      },
      leave: () => {
        this.#stats.inFlight -= 1;
      },
      remembers: this.#log !== undefined || (this.#options.remember ?? 1000) > 0,
      remember: (seen, then) => this.#remember(seen, then),
    };
    return this.#hostCache;
  }

  #guid(): string {
    this.#guids += 1;
    return `57a4d1e0${process.pid.toString(16).padStart(8, '0')}${this.#guids.toString(16).padStart(16, '0')}`;
  }

  #remember(seen: SeenRequest, then: () => void): void {
    const most = this.#options.remember ?? 1000;
    if (most > 0) this.#seen.push(seen);
    if (this.#seen.length > 2 * most) this.#seen = this.#seen.slice(-most);
    if (this.#log === undefined) then();
    else this.#log.append(seen, then);
  }
}

function rulesOf(options: StandinOptions): EngineRules {
  return {
    badHashes: new Set(options.badHashes?.map((h) => h.toLowerCase())),
    badPatterns: (options.badPatterns ?? []).map((p) => Buffer.from(p as string)),
    blockedTypes: new Set(options.blockedTypes),
    unsupportedTypes: new Set(options.unsupportedTypes),
  };
}

function workersOf(options: StandinOptions): Workers {
  return new Workers(options.workers ?? Number.POSITIVE_INFINITY, options.queue ?? Number.POSITIVE_INFINITY);
}
