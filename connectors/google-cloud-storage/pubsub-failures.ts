import { type ConnectorCode, ConnectorError } from '../errors.ts';

/** Status codes of gRPC. */
const CODES: Readonly<Record<number, ConnectorCode>> = {
  3: 'configuration',
  5: 'configuration',
  7: 'credentials',
  8: 'throttled',
  9: 'configuration',
  14: 'unreachable',
  16: 'credentials',
};
/** CANCELLED and DEADLINE_EXCEEDED: a server that is told that the time is over may say either. */
const OVER = new Set([1, 4]);

const REMEDIES: Partial<Record<ConnectorCode, string>> = {
  configuration: 'correct subscription (a pull subscription that is there) and endpoint',
  credentials: 'renew the credentials, or grant roles/pubsub.subscriber on the subscription',
};

/** Nothing came in the time that was given. */
export function deadlinePassed(error: unknown): boolean {
  return OVER.has(statusOf(error) ?? 0);
}

/** The connector's error for whatever the client raised. Its text is not told: it may hold a part of the credentials. */
export function pubSubFailure(error: unknown, doing: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const status = statusOf(error);
  const code = status === undefined ? 'credentials' : (CODES[status] ?? 'storage_error');
  const said = status === undefined ? 'no login' : `gRPC status ${status}`;
  const remedy = REMEDIES[code];
  return new ConnectorError(code, `${doing}: ${said}${remedy === undefined ? '' : `; ${remedy}`}`);
}

function statusOf(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}
