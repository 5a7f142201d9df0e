import { CodedError } from '../domain/errors.ts';

/** A request of a source, as it came. Nothing of it is trusted. */
export interface Delivery {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes that were signed, if any were. */
  readonly body: Buffer;
  /** When it arrived, ISO 8601 in UTC. */
  readonly at: string;
}

/**
 * Why a delivery is not taken.
 * - `unverified`: nothing proves who sent it, or the proof is not good, or no longer
 * - `refused`: it is proven, and of somebody or something that is not configured
 * - `invalid`: it is proven, and can't be understood
 * - `repeated`: a signed delivery that was taken before
 * - `in_hand`: the same delivery is being taken just now; again later
 * - `unavailable`: what the proof needs (keys, a certificate, a confirmation) could not be fetched; again later
 * - `over_capacity`: more comes than can be remembered; again later
 */
export const DELIVERY_CODES = [
  'unverified',
  'refused',
  'invalid',
  'repeated',
  'in_hand',
  'unavailable',
  'over_capacity',
] as const;
export type DeliveryCode = (typeof DELIVERY_CODES)[number];

/** The message is for our log alone: what was wrong with a proof is never told to the caller. */
export class DeliveryError extends CodedError<DeliveryCode> {}

/** The one value of a header or a parameter; undefined when there is none, or more than one. */
export function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** @throws DeliveryError `invalid` for bytes that are no UTF-8 */
export function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new DeliveryError('invalid', 'the body is not UTF-8', { cause });
  }
}
