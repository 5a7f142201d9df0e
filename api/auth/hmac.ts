import { timingSafeEqual } from 'node:crypto';
import { type SignedRequest, signature } from '../../net/dsx-hmac.ts';
import { HmacError } from './hmac-error.ts';
import { type HmacFields, parseHmacHeader } from './hmac-header.ts';
import type { Nonces } from './nonces.ts';

export { canonicalBytes, type SignedRequest, signature, signRequest } from '../../net/dsx-hmac.ts';

/** How far the clocks may be apart, in seconds. */
export const SKEW_SECONDS = 60;

/** A key that counts now, and whose it is. */
export interface HmacKey {
  readonly secret: string;
  /** The connector that it was given to. */
  readonly owner: string;
}

export interface HmacRules {
  readonly find: (keyId: string) => Promise<HmacKey | undefined>;
  readonly nonces: Nonces;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

/** Compared with where there is no such key, so that both ways take the same steps. */
const NOBODY = { secret: '\0', owner: '' };

/**
 * Verifies who signed a request, and returns the key's owner. The nonce is taken last, so that nobody without the secret can use it up.
 * @param about the connector that the request speaks of, where it does: the owner must be that one
 * @throws HmacError
 */
export async function verifyRequest(
  authorization: string | undefined,
  request: SignedRequest,
  rules: HmacRules,
  about?: string,
): Promise<{ owner: string; keyId: string }> {
  const fields: HmacFields = parseHmacHeader(authorization);
  const { keyId, ts, nonce, sig } = fields;
  if (Math.abs(rules.now() - Number(ts)) > SKEW_SECONDS) {
    const detail = `The request is from another time: its clock and ours are more than ${SKEW_SECONDS} s apart.`;
    throw new HmacError('stale_request', detail);
  }
  const key = await rules.find(keyId);
  const ours = Buffer.from(signature((key ?? NOBODY).secret, request, ts, nonce), 'base64');
  const given = Buffer.from(sig, 'base64');
  const same = given.length === ours.length && timingSafeEqual(given, ours);
  if (key === undefined) throw new HmacError('unknown_key_id', 'There is no key of this id.');
  if (!same) throw new HmacError('bad_signature', 'The signature is not that of this request.');
  if (about !== undefined && about !== key.owner) {
    throw new HmacError(
      'foreign_connector',
      'The key belongs to another connector than the one that the request is about.',
    );
  }
  const taken = await rules.nonces.take(`${keyId}:${nonce}`, 2 * SKEW_SECONDS + 1);
  if (taken === 'full') throw new HmacError('nonces_full', 'Too many requests are being remembered. Come back later.');
  if (taken === 'seen') throw new HmacError('replayed', 'This very request came before.');
  return { owner: key.owner, keyId };
}
