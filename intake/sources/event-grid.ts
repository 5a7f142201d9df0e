import { joined, type SourceEvents } from '../../connectors/source-events.ts';
import { type Fields, fields } from '../../domain/loose-json.ts';
import type { EventGridWebhook } from '../../domain/webhook.ts';
import { type Delivery, DeliveryError, textOf } from '../delivery.ts';
import type { Heard, Hook } from '../hook.ts';
import { entraCheck } from '../verify/entra.ts';
import { bearerOf } from '../verify/jwt.ts';
import { verifySecret } from '../verify/secret.ts';

const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';
const CODE = /^[\w-]{1,128}$/;

/** Events of Azure storage by Event Grid, in its own schema or as CloudEvents, one or many; and the handshake of a subscription. */
export function eventGridHook(settings: EventGridWebhook, read: (text: string, at: string) => SourceEvents): Hook {
  const check = proofOf(settings);
  return {
    source: 'event-grid',
    async hear(delivery): Promise<Heard> {
      await check(delivery);
      const text = textOf(delivery.body);
      const given = eventsOf(text);
      const handshake = given.find(({ eventType }) => eventType === VALIDATION);
      if (handshake !== undefined) return answerTo(handshake, settings.topic);
      if (given.some((event) => !isOf(event, settings.topic))) {
        throw new DeliveryError('refused', 'an event is of another topic');
      }
      return { events: given.length === 0 ? joined([]) : read(text, delivery.at), repeats: 'answered' };
    },
  };
}

function proofOf(settings: EventGridWebhook): (delivery: Delivery) => Promise<void> {
  if (settings.verify === 'secret') {
    const { at } = settings;
    return async (delivery) => verifySecret(delivery, at, settings);
  }
  const check = entraCheck(settings);
  return async (delivery) => {
    await check(bearerOf(delivery));
  };
}

/** @throws DeliveryError `invalid` */
function eventsOf(text: string): readonly Fields[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // What a parser says of the body holds parts of it.
    throw new DeliveryError('invalid', 'the body is not JSON');
  }
  return (Array.isArray(given) ? given : [given]).map(fields);
}

/** The code is echoed at once; the address beside it is never visited. */
function answerTo(handshake: Fields, topic: string | undefined): Heard {
  if (!isOf(handshake, topic)) throw new DeliveryError('refused', 'the handshake is of another topic');
  const { validationCode } = fields(handshake.data);
  if (typeof validationCode !== 'string' || !CODE.test(validationCode)) {
    throw new DeliveryError('invalid', 'the handshake has no code');
  }
  const body = JSON.stringify({ validationResponse: validationCode });
  return { answer: { status: 200, type: 'application/json', body }, repeats: 'answered' };
}

/** Resource ids mean the same in any case. */
function isOf(event: Fields, topic: string | undefined): boolean {
  const named = event.topic ?? event.source;
  return topic === undefined || (typeof named === 'string' && named.toLowerCase() === topic.toLowerCase());
}
