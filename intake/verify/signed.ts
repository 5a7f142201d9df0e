import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { SharedSecret } from '../../domain/webhook.ts';
import { type Delivery, DeliveryError, single, textOf } from '../delivery.ts';
import { secretsOf } from './secret.ts';

/** Without a dot: what is signed joins id, time and body with dots. */
const ID = /^[A-Za-z0-9_-]{1,256}$/;
const SECONDS = /^\d{10,11}$/;

export interface SignedDelivery {
  readonly id: string;
  /** When it was sent, ISO 8601 in UTC. */
  readonly at: string;
  readonly text: string;
}

/**
 * The signature of Standard Webhooks (HMAC-SHA256, `v1`), by one of the live secrets, at most five minutes old or ahead.
 * @throws DeliveryError `unverified`
 */
export function verifySigned(delivery: Delivery, shared: SharedSecret): SignedDelivery {
  const id = single(delivery.headers['webhook-id']) ?? '';
  const seconds = single(delivery.headers['webhook-timestamp']) ?? '';
  const signature = single(delivery.headers['webhook-signature']) ?? '';
  if (!ID.test(id) || !SECONDS.test(seconds) || signature === '' || signature.length > 4096) {
    throw new DeliveryError('unverified', 'webhook-id, webhook-timestamp or webhook-signature is missing, or is none');
  }
  const text = textOf(delivery.body);
  const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature };
  const good = secretsOf(shared).map((secret) => isSigned(new Webhook(secret.reveal()), text, headers));
  if (!good.includes(true)) throw new DeliveryError('unverified', 'the signature is not good, or no longer');
  return { id, at: new Date(Number(seconds) * 1000).toISOString(), text };
}

function isSigned(webhook: Webhook, text: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(text, headers, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}
