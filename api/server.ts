import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ApiTls } from '../config/api.ts';
import { CodedError, systemCode } from '../domain/errors.ts';
import { secureContext } from './certificate.ts';
import { answerClientFault } from './client-fault.ts';

/**
 * Why the server does not listen.
 * - `port_in_use`: something else listens there
 * - `not_allowed`: the port needs more rights
 * - `bad_address`: the address is none of this machine
 */
export class ListenError extends CodedError<'port_in_use' | 'not_allowed' | 'bad_address' | 'listen_failed'> {}

export interface ServeOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: ApiTls;
  /** How long the head of a request may take to arrive, and before it TLS to be agreed on, in milliseconds (15 s each). */
  readonly headersMs?: number;
}

/** Limits on what a client may take, in milliseconds and bytes. An upload to be scanned may last an hour. */
const LIMITS: ServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 3_600_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 1_000;

/** Listens. @throws ListenError with one line that names address and port, CertificateError */
export async function serve(app: RequestListener, options: ServeOptions): Promise<{ server: Server; port: number }> {
  const { host, port, tls, headersMs = LIMITS.headersTimeout } = options;
  const limits = { ...LIMITS, headersTimeout: headersMs, connectionsCheckingInterval: Math.ceil((headersMs ?? 0) / 3) };
  const server =
    tls === undefined
      ? createServer(limits, app)
      : createTlsServer(
          {
            ...limits,
            ...(headersMs !== undefined && { handshakeTimeout: headersMs }),
            ...secureContext(tls),
            ...(tls.clientCaFile !== undefined && { requestCert: true, rejectUnauthorized: true }),
          },
          app,
        );
  server.maxConnections = MAX_CONNECTIONS;
  // None is left out unseen: the guard refuses what is too many.
  server.maxHeadersCount = 0;
  server.on('clientError', answerClientFault);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : port };
}

/** Answers what is under way, at most for `graceMs`, then cuts it. */
export function stopServing(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenError(error: Error, host: string, port: number): ListenError {
  const cause = { cause: error };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new ListenError(
        'port_in_use',
        `Port ${port} on ${host} is in use. Stop what uses it, or set API_PORT.`,
        cause,
      );
    case 'EACCES':
      return new ListenError('not_allowed', `Port ${port} needs more rights. Set API_PORT to 1024 or above.`, cause);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError('bad_address', `${host} is no address of this machine. Set API_HOST to one.`, cause);
    default:
      return new ListenError('listen_failed', `Can't listen on port ${port} of ${host}: ${error.message}`, cause);
  }
}
