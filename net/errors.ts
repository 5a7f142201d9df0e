import { CodedError } from '../domain/errors.ts';

/**
 * Why an address that a user or a connector named is not asked.
 * - `url_invalid`: it is no URL, or no host can be told from it
 * - `scheme_refused`: another scheme than https, or http to what is not allowed
 * - `userinfo_refused`: a name or password in it
 * - `address_refused`: it leads, or its name resolves, to what is not public and not allowed
 * - `unresolvable`: the name has no address now
 */
export const TARGET_CODES = [
  'url_invalid',
  'scheme_refused',
  'userinfo_refused',
  'address_refused',
  'unresolvable',
] as const;
export type TargetCode = (typeof TARGET_CODES)[number];

/** The message names the host, never the rest of the URL, which may hold a secret. */
export class TargetError extends CodedError<TargetCode> {}
