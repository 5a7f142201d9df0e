import { createHash, timingSafeEqual } from 'node:crypto';
import type { Hidden } from '../../domain/hidden.ts';
import type { SecretPlace, SharedSecret } from '../../domain/webhook.ts';
import { type Delivery, DeliveryError, single } from '../delivery.ts';

/**
 * A secret that the caller shows. How long the comparison takes tells nothing of it.
 * @throws DeliveryError `unverified`
 */
export function verifySecret(delivery: Delivery, at: SecretPlace, shared: SharedSecret): void {
  const shown = 'header' in at ? single(delivery.headers[at.header]) : single(delivery.query[at.query]);
  if (shown === undefined) throw new DeliveryError('unverified', 'the secret is missing');
  if (!isOneOf(shown, secretsOf(shared))) throw new DeliveryError('unverified', 'the secret is another one');
}

export function secretsOf({ secret, previousSecret }: SharedSecret): readonly Hidden[] {
  return previousSecret === undefined ? [secret] : [secret, previousSecret];
}

/** Compares with all of them, always. */
export function isOneOf(shown: string, secrets: readonly Hidden[]): boolean {
  const given = digest(shown);
  return secrets.map((secret) => timingSafeEqual(given, digest(secret.reveal()))).some((equal) => equal);
}

/** Digests have one length, whatever was shown. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
