import { type Fields, fields, parseFields } from '../../domain/loose-json.ts';
import { eventId, IGNORED, oneEvent, padded, type SourceEvents, timeOr, UNREADABLE, whole } from '../source-events.ts';
import { isFolderMarker } from './item.ts';
import { hiddenAbove, locationOf, type Place } from './place.ts';

/** Generations are decimal numbers of 64 bits. */
const GENERATION = 20;

/** A notification as Pub/Sub carries it. */
export interface PubSubMessage {
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** JSON of the object; empty where the notification is configured without. */
  readonly data?: string;
}

/**
 * The event of a notification of a bucket. Only a finished object is one: changes of metadata, our own tags among them, are not.
 * @param at when it arrived, ISO 8601: for events that name no time
 */
export function gcsEvents(message: PubSubMessage, place: Place, at: string): SourceEvents {
  const object = parseFields(message.data ?? '') ?? {};
  const { eventType, bucketId, objectId, objectGeneration, eventTime } = fields(message.attributes);
  const type = whole(eventType) ?? whole(object.eventType);
  if (type === undefined) return UNREADABLE;
  if (type !== 'OBJECT_FINALIZE') return IGNORED;
  const named = { bucket: bucketId, name: objectId, generation: objectGeneration };
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return gcsObjectEvent({ ...object, ...given }, place, timeOr(eventTime, at));
}

/** The event of an object that was finished, from its own JSON, as Eventarc sends it. `at` as of `gcsEvents`. */
export function gcsObjectEvent(object: Fields, place: Place, at: string): SourceEvents {
  const [bucket, key, generation] = [whole(object.bucket), whole(object.name), String(object.generation ?? '')];
  if (bucket === undefined || key === undefined) return UNREADABLE;
  if (isFolderMarker(key, object.size === undefined ? 'unknown' : String(object.size))) return IGNORED;
  const location = locationIn(place, bucket, key);
  if (location === undefined) return IGNORED;
  const order = /^\d+$/.test(generation) ? padded(generation, GENERATION) : undefined;
  const time = timeOr(object.timeCreated, at);
  return oneEvent({
    location,
    id: eventId('gcs', bucket, key, order ?? time),
    ...(order !== undefined && { version: generation, order }),
    at: time,
  });
}

/** Where an object lies within the assets; undefined outside of them, and in quarantine. */
export function locationIn(place: Place, bucket: string, key: string): string | undefined {
  const asset = place.assets.find((one) => one.bucket === bucket && key.startsWith(one.prefix) && key !== one.prefix);
  if (asset === undefined || hiddenAbove(place, { bucket, key }) !== undefined) return undefined;
  return locationOf(place, asset, key);
}
