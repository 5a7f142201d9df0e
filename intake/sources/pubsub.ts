import { IGNORED, type SourceEvents } from '../../connectors/source-events.ts';
import { type Fields, fields, NONE, parseFields } from '../../domain/loose-json.ts';
import type { PubsubWebhook } from '../../domain/webhook.ts';
import { type Delivery, DeliveryError, single, textOf } from '../delivery.ts';
import type { Heard, Hook } from '../hook.ts';
import type { Readers } from '../readers.ts';
import { pubsubCheck } from '../verify/pubsub.ts';

type GcsReaders = Extract<Readers, { kind: 'gcs' }>;

const FINALIZED = 'google.cloud.storage.object.v1.finalized';
const OF_STORAGE = 'google.cloud.storage.object.v1.';

/** Notifications of a bucket by Pub/Sub push, or by Eventarc (CloudEvents in binary mode). */
export function pubsubHook(settings: PubsubWebhook, readers: GcsReaders): Hook {
  const check = pubsubCheck(settings);
  return {
    source: 'pubsub',
    async hear(delivery): Promise<Heard> {
      await check(delivery);
      const body = parseFields(textOf(delivery.body));
      if (body === undefined) throw new DeliveryError('invalid', 'the body is no JSON object');
      return { events: eventsOf(settings, readers, delivery, body), repeats: 'answered' };
    },
  };
}

function eventsOf(settings: PubsubWebhook, readers: GcsReaders, { headers, at }: Delivery, body: Fields): SourceEvents {
  const type = single(headers['ce-type']);
  if (type?.startsWith(OF_STORAGE)) return type === FINALIZED ? readers.object(body, at) : IGNORED;
  const message = fields(body.message);
  if (message === NONE) throw new DeliveryError('invalid', 'the body is no envelope of Pub/Sub');
  if (settings.subscription !== undefined && body.subscription !== settings.subscription) {
    throw new DeliveryError('refused', 'the message is of another subscription');
  }
  const attributes = fields(message.attributes);
  // Notifications of a bucket say what they are; anything else was published by a person.
  if (attributes.eventType === undefined) return IGNORED;
  const data = typeof message.data === 'string' ? Buffer.from(message.data, 'base64').toString('utf8') : '';
  return readers.message({ attributes, data }, at);
}
