import { createHash } from 'node:crypto';
import type { ConnectorResource } from '../contract.ts';

/** Names of what former clients know by a UUID are made below this one (RFC 9562, version 5). */
const NAMESPACE = Buffer.from('5f0c2d1e6b7a4c3e9d8f0a1b2c3d4e5f', 'hex');

/** The UUID of a name: the same everywhere and always. */
function uuidOf(kind: 'connector', name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(`${kind}:${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The UUID under which former clients know a connector; an id that is one stands for itself. */
export function connectorUuid(id: string): string {
  return UUID.test(id) ? id : uuidOf('connector', id);
}

/** The connector that former clients mean, by its UUID or its id. */
export function connectorOf(connectors: readonly ConnectorResource[], named: string): ConnectorResource | undefined {
  const wanted = named.toLowerCase();
  return connectors.find(({ id }) => id === named) ?? connectors.find(({ id }) => connectorUuid(id) === wanted);
}

/**
 * What the former product called the task of an item that nobody pushed: the job, a colon, and the item within it, so that the item can be found again by
 * it. Both are parts of the ledger, so it never changes.
 */
export function taskIdOf(job: string, item: string): string {
  return `${job}:${item}`;
}

/** Undefined for what is no such id. */
export function parseTaskId(task: string): { readonly job: string; readonly item: string } | undefined {
  const [, job, item] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127}):([^:]{1,40}:\d{1,9})$/.exec(task) ?? [];
  return job === undefined || item === undefined ? undefined : { job, item };
}

/** Ids within one millisecond. 2^53 / 2048 milliseconds last until the year 2109. */
const WITHIN = 2_048;

/**
 * The number of a result: it rises with the time of the row, and is the same whenever the row is read. Two rows of the same millisecond
 * may share one: the task id names a row for certain.
 */
export function resultNumber(job: string, item: string, at: string): number {
  const mark = createHash('sha256').update(taskIdOf(job, item)).digest().readUInt16BE(0) % WITHIN;
  return Date.parse(at) * WITHIN + mark;
}
