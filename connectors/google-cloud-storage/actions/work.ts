import type { ActionIntent } from '../../../domain/action.ts';
import { messageOf } from '../../../domain/errors.ts';
import { failed, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../../errors.ts';
import type { Buckets } from '../bucket.ts';
import { isRetained } from '../failures.ts';
import { itemOf } from '../item.ts';
import type { GcsObject, Objects } from '../objects.ts';
import { type ObjectName, type Place, quarantineFor } from '../place.ts';

/** What is under way with one item. */
export interface Work {
  readonly place: Place;
  readonly objects: Objects;
  readonly buckets: Buckets;
  /** Deletions remove a generation for good. */
  readonly purge: boolean;
  readonly location: string;
  readonly at: ObjectName;
  readonly signal: AbortSignal;
}

export interface ActionWork extends Work {
  readonly intent: ActionIntent;
}

/** The object of a name in quarantine. @throws Stop for a name that would leave it */
export function inQuarantine(work: Work, relative: string): ObjectName {
  const parts = relative.split('/');
  const wrong = parts.some((part) => part === '' || part === '.' || part === '..') || /\p{Cc}/u.test(relative);
  if (wrong) throw failed('not_supported', `${JSON.stringify(relative)} is no name inside quarantine`);
  const { bucket, prefix } = quarantineFor(work.place, work.at.bucket);
  return { bucket, key: prefix + relative };
}

/** The report for an item whose judged generation is not the live one. */
export function notJudged(work: Work, now: GcsObject | undefined): ActionReport {
  if (now === undefined) {
    const note = 'nothing is there, and nothing shows that this intent took it away';
    return { state: 'failed', code: 'not_found', note };
  }
  const note = 'what is in place is not what was judged';
  return { state: 'refused', code: 'version_changed', note, current: itemOf(work.location, now) };
}

/** What keeps this object from being deleted now; undefined: nothing that it tells of. */
export function keptBy(object: GcsObject): string | undefined {
  if (object.temporaryHold === true) return 'it is under a temporary hold';
  if (object.eventBasedHold === true) return 'it is under an event-based hold';
  const until = object.retentionExpirationTime ?? object.retention?.retainUntilTime;
  if (until === undefined || Date.parse(until) <= Date.now()) return undefined;
  return `a retention rule keeps it until ${until}`;
}

export function retained(note: string): Stop {
  return new Stop({ state: 'refused', code: 'retained', note });
}

/** Whether both are the same bytes, as far as the service's own hashes say. */
export function sameBytes(a: Hashed, b: Hashed): boolean {
  if (a.size !== b.size || a.crc32c === undefined || a.crc32c !== b.crc32c) return false;
  return a.md5Hash === undefined || b.md5Hash === undefined || a.md5Hash === b.md5Hash;
}

export interface Hashed {
  readonly size: string;
  readonly crc32c?: string | undefined;
  readonly md5Hash?: string | undefined;
}

/**
 * The report that an error stands for.
 * @throws what no report says: an abort, a wait that the service asks for, and whatever holds the whole connector
 */
export function reportOf(error: unknown, signal: AbortSignal): ActionReport {
  if (error instanceof Stop) return error.report;
  signal.throwIfAborted();
  if (!(error instanceof ConnectorError)) throw error;
  if (error.code === 'throttled' || CONNECTOR_CODES[error.code] === 'hold') throw error;
  const note = messageOf(error);
  if (isRetained(error)) return { state: 'refused', code: 'retained', note };
  if (error.code === 'not_found') return { state: 'failed', code: 'not_found', note };
  if (error.code === 'permission_denied') return { state: 'failed', code: 'permission_denied', note };
  if (error.code === 'customer_key' || error.code === 'not_an_item') {
    return { state: 'failed', code: 'not_supported', note };
  }
  return { state: 'failed', code: 'storage_error', note };
}
