import { CodedError } from '../../domain/errors.ts';

/**
 * Why a signed request is refused. The codes of the system that this one replaces, and three that it lacked:
 * - `replayed`: its nonce was used before
 * - `foreign_connector`: the key is another connector's than the one the request is about
 * - `nonces_full`: too many are remembered to take one more; come back later
 */
export const HMAC_CODES = [
  'missing_hmac',
  'malformed_hmac',
  'missing_key_id',
  'unknown_key_id',
  'stale_request',
  'bad_signature',
  'replayed',
  'foreign_connector',
  'nonces_full',
] as const;
export type HmacCode = (typeof HMAC_CODES)[number];
export class HmacError extends CodedError<HmacCode> {}
