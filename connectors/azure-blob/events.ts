import { type Fields, fields, NONE } from '../../domain/loose-json.ts';
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
import { versionOf } from './entry.ts';
import type { Names } from './names.ts';

const CREATED = 'Microsoft.Storage.BlobCreated';
/** Of accounts with a hierarchical namespace: the subject is the new name. */
const RENAMED = 'Microsoft.Storage.BlobRenamed';
/** Azure's sequencers are hex, of one length for an account. */
const SEQUENCER = 64;

/**
 * The events of what Event Grid sends: one event or a list, in its own schema or as CloudEvents 1.0.
 * @param account name of the storage account; '' when it is not known: then no event is taken for another account's
 * @param at when it arrived, ISO 8601: for events that name no time
 */
export function azureEvents(body: string, names: Names, account: string, at: string): SourceEvents {
  const message = parsed(body);
  if (Array.isArray(message)) return joined(message.map((one) => eventOf(fields(one), names, account, at)));
  return eventOf(fields(message), names, account, at);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body);
  } catch {
    return undefined;
  }
}

function eventOf(event: Fields, names: Names, account: string, arrived: string): SourceEvents {
  const type = whole(event.eventType) ?? whole(event.type);
  if (type === undefined) return UNREADABLE;
  const data = fields(event.data);
  if (type !== CREATED && type !== RENAMED) return IGNORED;
  // A file is announced when it is made, and again when it has been written.
  if (data.api === 'CreateFile' && Number(data.contentLength ?? 0) === 0) return IGNORED;
  if (data === NONE || isOther(whole(event.topic) ?? whole(event.source), account)) {
    return data === NONE ? UNREADABLE : IGNORED;
  }
  const blob = blobOf(event.subject);
  if (blob === undefined) return UNREADABLE;
  const location = locationIn(names, blob.container, blob.name);
  if (location === undefined) return IGNORED;
  const at = timeOr(event.eventTime ?? event.time, arrived);
  const etag = whole(data.eTag) ?? whole(data.etag);
  const sequencer = typeof data.sequencer === 'string' && /^[0-9a-f]+$/i.test(data.sequencer) ? data.sequencer : '';
  const order = padded(sequencer, SEQUENCER);
  const version = etag === undefined ? undefined : versionOf(etag);
  return oneEvent({
    location,
    id: eventId('azure', whole(event.id) ?? `${blob.container}/${blob.name}@${version ?? order ?? at}`),
    ...(version !== undefined && { version }),
    ...(order !== undefined && { order }),
    at,
  });
}

/** Whether the topic names another storage account than this one. */
function isOther(topic: string | undefined, account: string): boolean {
  const [, named] = /\/storageAccounts\/([^/]+)$/i.exec(topic ?? '') ?? [];
  return named !== undefined && account !== '' && named.toLowerCase() !== account.toLowerCase();
}

/** Subjects have names as they are, not encoded. */
function blobOf(subject: unknown): { readonly container: string; readonly name: string } | undefined {
  const [, container, name] =
    /^\/blobServices\/default\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(String(subject)) ?? [];
  return container === undefined || name === undefined ? undefined : { container, name };
}

/** Where a blob lies within the assets; undefined outside of them, and in quarantine. */
export function locationIn(names: Names, container: string, name: string): string | undefined {
  const asset = names.assets.find(
    (one) => one.container === container && name.startsWith(one.prefix) && name !== one.prefix,
  );
  if (asset === undefined || names.isHidden(container, name)) return undefined;
  return names.locationOf(asset, name);
}
