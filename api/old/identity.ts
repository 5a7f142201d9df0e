import { createHash } from 'node:crypto';
import { connectorUuid } from '../../net/connector-uuid.ts';
import type { ConnectorResource } from '../contract.ts';

export { connectorUuid } from '../../net/connector-uuid.ts';

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
