import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ActionCode, ActionIntent } from '../../../domain/action.ts';
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

/** Ends an action with a report. */
export class Stop extends Error {
  readonly report: ActionReport;

  constructor(report: ActionReport) {
    super(report.note ?? report.code);
    this.report = report;
  }
}

export function failed(code: ActionCode, note: string): Stop {
  return new Stop({ state: 'failed', code, note });
}

/** What is in place is not what was judged. */
export function changed(work: Work, facts: Facts, note = 'what is in place is not what was judged'): ActionReport {
  return { state: 'refused', code: 'version_changed', note, current: itemOf(work.location, facts) };
}

export function notFound(): ActionReport {
  const note = 'nothing is there, and nothing shows that this intent took it away';
  return { state: 'failed', code: 'not_found', note };
}

/** The sentences that there are, as the `note` of a report. */
export function noted(...notes: (string | undefined)[]): { note?: string } {
  const said = notes.filter((text) => text !== undefined);
  return said.length === 0 ? {} : { note: said.join('; ') };
}

/** Stands for a finding in names of objects: 128 bits of its hash. */
export function findingHash(finding: string): string {
  return createHash('sha256').update(finding).digest('hex').slice(0, 32);
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
