import { type Fields, fields, NONE, parseFields } from '../../domain/loose-json.ts';
import {
  eventId,
  IGNORED,
  joined,
  oneEvent,
  padded,
  type SourceEvents,
  timeOr,
  UNREADABLE,
  whole,
} from '../source-events.ts';
import type { Place } from './place.ts';
import { versionOf } from './version.ts';

/** Events of these names are about new bytes, or about bytes that can be read from now on. */
const NATIVE = /^(?:s3:)?(?:ObjectCreated:.+|ObjectRestore:Completed)$/;
const BRIDGED = new Set(['Object Created', 'Object Restore Completed']);
/** S3's sequencers are hex of differing length, far below this. */
const SEQUENCER = 40;
/** Envelopes within envelopes: a queue holds a notification, which holds the event. */
const DEEPEST = 3;

/** What S3's own form and EventBridge's have in common. */
interface Told {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly size: unknown;
  readonly etag: unknown;
  readonly versionId: unknown;
  readonly sequencer: unknown;
  readonly at: unknown;
}

/**
 * The events of one message: S3's own form with all its records (as SQS, SNS and Lambda have it), EventBridge's, either of them in
 * SNS's envelope.
 * @param at when it arrived, ISO 8601: for events that name no time
 */
export function s3Events(body: string, place: Place, at: string): SourceEvents {
  return unwrapped(body, place, at, DEEPEST);
}

function unwrapped(body: string, place: Place, at: string, depth: number): SourceEvents {
  const message = parseFields(body);
  if (message === undefined || depth === 0) return UNREADABLE;
  if (Array.isArray(message.Records)) {
    return joined(message.Records.map((record) => fromRecord(fields(record), place, at, depth)));
  }
  if (message.Event === 's3:TestEvent') return IGNORED;
  if (message.Type === 'Notification' && typeof message.Message === 'string') {
    return unwrapped(message.Message, place, at, depth - 1);
  }
  if (message.Type === 'SubscriptionConfirmation' || message.Type === 'UnsubscribeConfirmation') return IGNORED;
  if (message.source === 'aws.s3') return fromBridge(message, place, at);
  return UNREADABLE;
}

function fromRecord(record: Fields, place: Place, at: string, depth: number): SourceEvents {
  const notification = fields(record.Sns);
  if (typeof notification.Message === 'string') return unwrapped(notification.Message, place, at, depth - 1);
  const { bucket, object } = fields(record.s3);
  if (typeof record.eventName !== 'string' || fields(object) === NONE) return UNREADABLE;
  if (!NATIVE.test(record.eventName)) return IGNORED;
  const { key, size, eTag, versionId, sequencer } = fields(object);
  const told = { bucket: whole(fields(bucket).name), key: decoded(key), size, etag: eTag, versionId, sequencer };
  return eventOf({ ...told, at: record.eventTime }, place, at);
}

function fromBridge(message: Fields, place: Place, at: string): SourceEvents {
  const { bucket, object } = fields(message.detail);
  if (typeof message['detail-type'] !== 'string' || fields(object) === NONE) return UNREADABLE;
  if (!BRIDGED.has(message['detail-type'])) return IGNORED;
  const { key, size, etag, sequencer, 'version-id': versionId } = fields(object);
  const told = { bucket: whole(fields(bucket).name), key: whole(key), size, etag, versionId, sequencer };
  return eventOf({ ...told, at: message.time }, place, at);
}

/** S3's own form has keys as forms have them: `+` for a blank, the rest percent-encoded. */
function decoded(key: unknown): string | undefined {
  if (typeof key !== 'string') return undefined;
  try {
    return whole(decodeURIComponent(key.replaceAll('+', ' ')));
  } catch {
    return undefined;
  }
}

function eventOf(told: Told, place: Place, arrived: string): SourceEvents {
  const { bucket, key } = told;
  if (bucket === undefined || key === undefined) return UNREADABLE;
  if (key.endsWith('/') && Number(told.size ?? 0) === 0) return IGNORED;
  const location = locationIn(place, bucket, key);
  if (location === undefined) return IGNORED;
  const [etag, versionId] = [whole(told.etag), whole(told.versionId)];
  const sequencer = typeof told.sequencer === 'string' && /^[0-9a-f]+$/i.test(told.sequencer) ? told.sequencer : '';
  const pin = etag === undefined ? versionId : versionOf({ etag, ...(versionId !== undefined && { versionId }) });
  const order = padded(sequencer, SEQUENCER);
  const at = timeOr(told.at, arrived);
  // Two writes may have the same ETag: the sequencer tells a repeated message from a second write.
  const version = [pin ?? '', order ?? ''].join('@');
  return oneEvent({
    location,
    id: eventId('s3', bucket, key, version === '@' ? at : version),
    ...(version !== '@' && { version }),
    ...(order !== undefined && { order }),
    at,
  });
}

/** Where an object lies within the assets; undefined outside of them, and in quarantine. */
export function locationIn(place: Place, bucket: string, key: string): string | undefined {
  const area = place.areas.find((one) => one.bucket === bucket && key.startsWith(one.prefix) && key !== one.prefix);
  if (area === undefined || place.hiddenAbove({ bucket, key }) !== undefined) return undefined;
  return place.locationOf(area, key);
}
