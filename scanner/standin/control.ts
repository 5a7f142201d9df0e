import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StandinOptions } from './options.ts';
import type { SeenRequest } from './request-log.ts';

/** What the control plane can see and change. */
export interface ControlState {
  requests(): readonly SeenRequest[];
  stats(): object;
  reset(): void;
  setFaults(faults: readonly string[]): void;
  setOptions(options: StandinOptions): void;
}

/** Options that may change while it runs. */
const CHANGEABLE = new Set([
  'token',
  'tokenIn',
  'entities',
  'latencyMs',
  'latencyPerMibMs',
  'workers',
  'queue',
  'maxBytes',
  'startupMs',
  'requireLength',
  'dropUnderscores',
  'badHashes',
  'badPatterns',
  'blockedTypes',
  'unsupportedTypes',
]);
const LONGEST_BODY = 2 ** 20;

/**
 * `GET /_standin/requests`, `GET /_standin/stats`, `POST /_standin/reset`, `PUT /_standin/faults` (a JSON array of faults),
 * `PUT /_standin/config` (a JSON object of options; null takes one back). Answers JSON.
 */
export function control(state: ControlState, request: IncomingMessage, response: ServerResponse): void {
  const route = `${request.method} ${request.url}`;
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text: string) => {
    body += text;
    if (body.length > LONGEST_BODY) request.destroy();
  });
  request.on('end', () => {
    try {
      reply(response, 200, act(state, route, body));
    } catch (error) {
      reply(response, error instanceof UnknownRoute ? 404 : 400, { error: (error as Error).message });
    }
  });
}

class UnknownRoute extends Error {}

function act(state: ControlState, route: string, body: string): unknown {
  switch (route) {
    case 'GET /_standin/requests':
      return state.requests();
    case 'GET /_standin/stats':
      return state.stats();
    case 'POST /_standin/reset':
      state.reset();
      return {};
    case 'PUT /_standin/faults':
      state.setFaults(faultsOf(JSON.parse(body)));
      return {};
    case 'PUT /_standin/config':
      state.setOptions(optionsOf(JSON.parse(body)));
      return {};
    default:
      throw new UnknownRoute(`no ${route}`);
  }
}

function faultsOf(value: unknown): string[] {
  if (Array.isArray(value) && value.every((v) => typeof v === 'string')) return value;
  throw new Error('faults are an array of strings');
}

function optionsOf(value: unknown): StandinOptions {
  if (typeof value !== 'object' || value === null) throw new Error('the configuration is an object');
  const entries = Object.entries(value).map(([key, v]) => [key, v ?? undefined] as const);
  for (const [key] of entries) if (!CHANGEABLE.has(key)) throw new Error(`${key} cannot be changed`);
  return Object.fromEntries(entries) as StandinOptions;
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
