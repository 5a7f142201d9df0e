import type { PubsubWebhook } from '../../domain/webhook.ts';
import { type Delivery, DeliveryError } from '../delivery.ts';
import { bearerOf, tokenCheck } from './jwt.ts';

const GOOGLE = ['https://accounts.google.com', 'accounts.google.com'];
const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs';

/**
 * Tokens of Google for one service account, as Pub/Sub push and Eventarc send them.
 * @returns a check that throws DeliveryError: `unverified`, `refused` for another account, `unavailable`
 */
export function pubsubCheck(settings: PubsubWebhook): (delivery: Delivery) => Promise<void> {
  const { issuer, jwksUrl, audience, serviceAccount } = settings;
  const check = tokenCheck(jwksUrl ?? GOOGLE_KEYS, { issuers: issuer === undefined ? GOOGLE : [issuer], audience });
  return async (delivery) => {
    const { email, email_verified: verified } = await check(bearerOf(delivery));
    if (email === serviceAccount && verified === true) return;
    throw new DeliveryError('refused', 'the token is of another account');
  };
}
