import { Client, type Dispatcher, Pool } from 'undici';
import type { ResolvedSettings } from './settings.ts';

/** A handler learns on which connection it went out. */
export interface TrackedHandler extends Dispatcher.DispatchHandler {
  via: TrackedClient | undefined;
}

/** One connection of the pool. `served` tells a reused socket, which its server may have just closed, from a fresh one. */
export class TrackedClient extends Client {
  served = 0;

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (handler as TrackedHandler).via = this;
    return super.dispatch(options, handler);
  }
}

/**
 * The pool of one scanner. Idle sockets close after 1 s (500 ms before the time that a server names): servers of this kind
 * keep them for 2 s, and a request on a socket that was just closed is lost. Timeouts of the exchange are ours (`watch.ts`).
 */
export function createPool(settings: ResolvedSettings): Pool {
  return new Pool(settings.origin, {
    connections: settings.maxConcurrency + PROBE_CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: 1_000,
    keepAliveMaxTimeout: 1_000,
    keepAliveTimeoutThreshold: 500,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: -1,
    allowH2: false,
    connect: {
      timeout: settings.connectTimeoutMs,
      ...(settings.ca !== undefined && { ca: settings.ca }),
      ...(!settings.verifyTls && { rejectUnauthorized: false }),
    },
    factory: (origin, options) => {
      const client = new TrackedClient(origin, options as Client.Options);
      client.on('connect', () => {
        client.served = 0;
      });
      return client;
    },
  });
}

/** Probes go beside the limiter, so they have a connection of their own. */
const PROBE_CONNECTIONS = 1;
