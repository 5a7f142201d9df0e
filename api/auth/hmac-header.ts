import type { HmacFields } from '../../net/dsx-hmac.ts';
import { HmacError } from './hmac-error.ts';

export { type HmacFields, hmacHeader } from '../../net/dsx-hmac.ts';

const SCHEME = /^DSX-HMAC +/i;
const BASE64 = /^[A-Za-z0-9+/_-]{1,128}={0,2}$/;
const SIGNATURE = /^[A-Za-z0-9+/]{43}=$/;
/** Longest header that is looked at, in characters. */
const LONGEST = 1_024;

/**
 * Takes a header apart: at commas, then at the first `=`. Each field must be there once.
 * @throws HmacError `missing_hmac`, `malformed_hmac`, `missing_key_id`
 */
export function parseHmacHeader(header: string | undefined): HmacFields {
  if (header === undefined || !SCHEME.test(header)) {
    throw new HmacError('missing_hmac', 'Sign the request: Authorization: DSX-HMAC key_id=…, ts=…, nonce=…, sig=….');
  }
  const malformed = (what: string): HmacError => new HmacError('malformed_hmac', `The DSX-HMAC header has ${what}.`);
  if (header.length > LONGEST) throw malformed(`more than ${LONGEST} characters`);
  const fields = new Map<string, string>();
  for (const part of header.replace(SCHEME, '').split(',')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    if (at < 0 || fields.has(name)) throw malformed('a part that is no field, or a field twice');
    fields.set(name, part.slice(at + 1).trim());
  }
  const field = (name: string, shape: RegExp): string => {
    const value = fields.get(name);
    if (value === undefined || !shape.test(value)) throw malformed(`no ${name} that can be one`);
    return value;
  };
  const keyId = fields.get('key_id') ?? '';
  if (keyId === '') throw new HmacError('missing_key_id', 'The DSX-HMAC header names no key_id.');
  return {
    keyId: field('key_id', BASE64),
    ts: field('ts', /^\d{1,12}$/),
    nonce: field('nonce', BASE64),
    sig: field('sig', SIGNATURE),
  };
}
