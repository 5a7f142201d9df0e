import type { S3Client } from '@aws-sdk/client-s3';
import type { ActionIntent } from '../../../domain/action.ts';
import { Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../../errors.ts';
import { type Facts, itemOf } from '../object.ts';
import type { Place, Spot } from '../place.ts';
import type { AwsS3Settings } from '../settings.ts';
import type { Pin } from '../version.ts';

/** What is under way with one item. */
export interface Work {
  readonly settings: AwsS3Settings;
  readonly client: S3Client;
  readonly place: Place;
  readonly finding: string;
  readonly location: string;
  readonly spot: Spot;
  readonly signal: AbortSignal;
}

export interface ActionWork extends Work {
  readonly intent: ActionIntent;
  readonly judged: Pin;
}

/** What is in place is not what was judged. */
export function changed(work: Work, facts: Facts, note = 'what is in place is not what was judged'): ActionReport {
  return { state: 'refused', code: 'version_changed', note, current: itemOf(work.location, facts) };
}

export function notFound(): ActionReport {
  const note = 'nothing is there, and nothing shows that this intent took it away';
  return { state: 'failed', code: 'not_found', note };
}

/**
 * The report that an error stands for.
 * @throws what no storage answered: an abort, and whatever holds the whole connector
 */
export function reportOf(error: unknown, signal: AbortSignal): ActionReport {
  if (error instanceof Stop) return error.report;
  signal.throwIfAborted();
  if (!(error instanceof ConnectorError) || CONNECTOR_CODES[error.code] === 'hold') throw error;
  const note = error.message;
  if (error.code === 'permission_denied') return { state: 'failed', code: 'permission_denied', note };
  if (error.code === 'not_found') return { state: 'failed', code: 'not_found', note };
  if (error.code === 'archived' || error.code === 'customer_key' || error.code === 'not_an_item') {
    return { state: 'failed', code: 'not_supported', note };
  }
  // Asked to slow down: whoever calls waits and repeats the intent.
  if (error.code === 'throttled') throw error;
  return { state: 'failed', code: 'storage_error', note };
}
