import type { Hidden } from '../domain/hidden.ts';
import type { ResolvedSettings } from './settings.ts';

/** Longest value of `X-Custom-Metadata` that we send, in bytes: well below any server's cap for one header. */
export const METADATA_LIMIT = 2048;

/** The headers that every scan carries, as undici takes them: name, value, name, value. */
export function fixedHeaders(settings: ResolvedSettings): string[] {
  const headers = ['Content-Type', 'application/octet-stream'];
  // Both, because proxies drop names with an underscore.
  if (settings.token !== undefined) headers.push('AUTH_TOKEN', settings.token, 'AUTH', settings.token);
  if (settings.protectedEntity !== undefined) headers.push('protected_entity', String(settings.protectedEntity));
  return headers;
}

/** What opens encrypted archives: base64 of its UTF-8 bytes. */
export function passwordHeader(password: Hidden): readonly [string, string] {
  return ['scan_password', Buffer.from(password.reveal(), 'utf8').toString('base64')];
}

/**
 * `key:value,key:value` with every value percent-encoded, so that no value can forge another pair. Pairs that do not fit
 * under the limit are left out whole.
 */
export function encodeMetadata(facts: Readonly<Record<string, string>>): string {
  let header = '';
  for (const [key, value] of Object.entries(facts)) {
    const pair = `${encode(key)}:${encode(value)}`;
    const next = header === '' ? pair : `${header},${pair}`;
    if (next.length <= METADATA_LIMIT) header = next;
  }
  return header;
}

/** Lone surrogates, which cannot be encoded, become U+FFFD. */
function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
