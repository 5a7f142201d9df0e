import { IGNORED, joined, oneEvent, type SourceEvents, timeOr, UNREADABLE } from '../../connectors/source-events.ts';
import { type Fields, fields, parseFields } from '../../domain/loose-json.ts';
import type { SignedWebhook } from '../../domain/webhook.ts';
import { DeliveryError } from '../delivery.ts';
import type { Heard, Hook } from '../hook.ts';
import type { Readers } from '../readers.ts';
import { type SignedDelivery, verifySigned } from '../verify/signed.ts';

/** A signature is good for five minutes before and after its time: a copy may come so long, and a minute. */
const KEEP_MS = 11 * 60_000;
const MAX_ITEMS = 1_000;
const LONGEST = 4_096;

/**
 * Anybody's own notifications, signed as Standard Webhooks say. The body is one item or `{"items": […]}`, or has either in `data`.
 * An item is `{"location"}`, as the connector's listing has it (`locationBytes` for one that is not UTF-8), or `{"bucket", "key"}`
 * with the whole key; `version`, `order` and `at` may be given.
 */
export function signedHook(connector: string, settings: SignedWebhook, readers: Readers): Hook {
  return {
    source: 'signed',
    async hear(delivery): Promise<Heard> {
      const signed = verifySigned(delivery, settings);
      const once = { id: `signed\n${connector}\n${signed.id}`, keepMs: KEEP_MS, whenFull: 'refuse' } as const;
      return { events: eventsOf(signed, readers), once, repeats: 'refused' };
    },
  };
}

/** @throws DeliveryError `invalid` */
function eventsOf(signed: SignedDelivery, readers: Readers): SourceEvents {
  const body = parseFields(signed.text);
  if (body === undefined) throw new DeliveryError('invalid', 'the body is no JSON object');
  const told = body.data === undefined ? body : fields(body.data);
  const items = told.items === undefined ? [told] : told.items;
  if (!Array.isArray(items) || items.length === 0 || items.length > MAX_ITEMS) {
    throw new DeliveryError('invalid', `items must be a list of 1 to ${MAX_ITEMS}`);
  }
  return joined(items.map((item, index) => eventOf(fields(item), `${signed.id}:${index}`, signed.at, readers)));
}

function eventOf(item: Fields, id: string, sent: string, readers: Readers): SourceEvents {
  const place = placeOf(item, readers);
  if (place === 'outside') return IGNORED;
  const [version, order] = [short(item.version), short(item.order)];
  if (place === undefined || version === null || order === null) return UNREADABLE;
  return oneEvent({
    ...place,
    id: `signed:${id}`,
    ...(version !== undefined && { version }),
    ...(order !== undefined && { order }),
    at: timeOr(item.at, sent),
  });
}

function placeOf(item: Fields, readers: Readers): { location: string; locationBytes?: string } | 'outside' | undefined {
  if (item.bucket !== undefined || item.key !== undefined) {
    const [bucket, key] = [short(item.bucket), short(item.key)];
    if (readers.kind === 'plain' || !bucket || !key || item.location !== undefined) return undefined;
    const location = readers.spot(bucket, key);
    return location === undefined ? 'outside' : { location };
  }
  const [location, bytes] = [short(item.location), short(item.locationBytes)];
  if (!location || bytes === null) return undefined;
  if (bytes === undefined) return { location };
  const exact = Buffer.from(bytes, 'base64');
  const isExact = exact.toString('base64') === bytes && exact.toString('utf8') === location;
  return isExact ? { location, locationBytes: bytes } : undefined;
}

/** Undefined where there is none, null where it is something else. */
function short(value: unknown): string | undefined | null {
  if (value === undefined) return undefined;
  const isShort = typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= LONGEST;
  return isShort && value.isWellFormed() ? value : null;
}
