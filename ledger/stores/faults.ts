import { messageOf } from '../../domain/errors.ts';
import { type LedgerCode, LedgerError } from '../errors.ts';

/** A request to a bucket takes at most so long, its answer included. The largest object is a few MiB. Milliseconds. */
export const REQUEST_MS = 20_000;
/** Requests of one process that are under way at once. */
export const CONNECTIONS = 64;

/** What was asked of the bucket. */
export type Doing = 'read' | 'write' | 'list' | 'delete';

/** What a store's client told of a request that failed. */
export interface Fault {
  /** HTTP status; absent when there was no answer. */
  readonly status?: number | undefined;
  /** The store's own word for it, or the system's. */
  readonly code?: string | undefined;
  /** One line that holds no secret. */
  readonly detail: string;
  /** What only the store's own words tell; absent: the status decides. */
  readonly means?: LedgerCode | undefined;
}

const REMEDIES: Readonly<Partial<Record<LedgerCode, string>>> = {
  no_space: 'a quota is used up. Raise it; the work goes on by itself',
  not_there:
    'there is no such bucket at this address and in this region. Check DSX_LEDGER, DSX_LEDGER_ENDPOINT and DSX_LEDGER_REGION',
  credentials: 'the store does not accept who asks. Check the credentials of the ledger, and the clock of this host',
  unavailable: 'the store gave no usable answer. Check the address of the ledger and the network',
  not_found: 'there is no such object',
};

/** The ledger error of a failed request. `what`: URL of the object or of the listing. */
export function fromFault(fault: Fault, doing: Doing, what: string, cause: unknown): LedgerError {
  const code = fault.means ?? byStatus(fault.status, doing);
  const permission =
    doing === 'read' || doing === 'list' ? `${doing} the objects below the prefix` : `${doing} objects`;
  const remedy = REMEDIES[code] ?? `permission denied. Let the identity of this process ${permission}`;
  const told = [fault.status, fault.code].filter((part) => part !== undefined && part !== '').join(' ');
  const tail = [told, fault.detail].filter((part) => part !== '').join(': ');
  return new LedgerError(code, what, `Could not ${doing} ${what} in the ledger: ${remedy} (${tail})`, {
    cause: bare(cause),
  });
}

/** Name and message alone: a client's own error carries the request, and so signatures and tokens. */
function bare(error: unknown): Error {
  const copy = new Error(oneLine(messageOf(error)));
  if (error instanceof Error) copy.name = error.name;
  delete copy.stack;
  return copy;
}

/** No answer, throttling and faults of the store may pass. What it refuses, it refuses until somebody changes something. */
function byStatus(status: number | undefined, doing: Doing): LedgerCode {
  if (status === undefined || status < 300 || status === 408 || status === 425 || status === 429) return 'unavailable';
  if (status === 507) return 'no_space';
  if (status >= 500) return 'unavailable';
  if (status === 401) return 'credentials';
  if (status === 404) return 'not_found';
  if (status < 400) return 'not_there';
  return doing === 'read' || doing === 'list' ? 'not_readable' : 'not_writable';
}

/** The first line of a message, without the query of any address: it may hold a signature. */
export function oneLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replaceAll(/\?[^\s"']+/g, '').slice(0, 300);
}

/** The system's code of an error or of what caused it, as `ECONNREFUSED`. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^(?:E[A-Z_]+|UND_ERR_\w+)$/.test(code)) return code;
  }
  return undefined;
}
