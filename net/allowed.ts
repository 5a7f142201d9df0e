import ipaddr from 'ipaddr.js';
import { addressOf, placeOf } from './address.ts';

/** Something that may be reached although it is not public, or without TLS: addresses, a host, or (`.corp.example`) all hosts below a name. */
export type AllowedTarget =
  | { readonly kind: 'addresses'; readonly cidr: string }
  | { readonly kind: 'host'; readonly host: string };

/** This machine itself: for what registered at an API that listens on loopback alone. */
export const LOOPBACK: readonly AllowedTarget[] = [
  { kind: 'addresses', cidr: '127.0.0.0/8' },
  { kind: 'addresses', cidr: '::1/128' },
  { kind: 'host', host: 'localhost' },
];

const HOST = /^\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * One entry of `DSXCONNECT_ALLOWED_ADDRESSES`: `10.1.0.0/16`, `fd12::/64`, `10.1.2.3`, `storage.corp.example` or `.corp.example`. Undefined
 * when it is none of these.
 */
export function parseAllowed(text: string): AllowedTarget | undefined {
  const entry = text.trim().toLowerCase();
  if (/^[\d.]+$|:|\//.test(entry)) return parseRange(entry);
  return entry.length <= 253 && HOST.test(entry) ? { kind: 'host', host: entry } : undefined;
}

function parseRange(entry: string): AllowedTarget | undefined {
  const [address = '', bits, ...rest] = entry.split('/');
  const parsed = addressOf(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const most = parsed.kind() === 'ipv4' ? 32 : 128;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) return undefined;
  // The bits of an IPv4 address that is written as IPv6 would be counted from another end.
  if (bits !== undefined && (most === 32) === address.includes(':')) return undefined;
  return { kind: 'addresses', cidr: `${parsed.toString()}/${bits ?? most}` };
}

/** Whether a host is allowed by its name. */
export function isHostAllowed(host: string, allowed: readonly AllowedTarget[]): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return allowed.some(
    (one) => one.kind === 'host' && (one.host.startsWith('.') ? name.endsWith(one.host) : name === one.host),
  );
}

/** Whether an address lies in a range that is allowed. A metadata address must be named itself. */
export function isAddressAllowed(text: string, allowed: readonly AllowedTarget[]): boolean {
  const address = addressOf(text);
  if (address === undefined) return false;
  const exactly = placeOf(text) === 'metadata';
  return allowed.some((one) => {
    if (one.kind !== 'addresses') return false;
    const [range, bits] = ipaddr.parseCIDR(one.cidr);
    if (range.kind() !== address.kind()) return false;
    return exactly ? range.toString() === address.toString() && bits >= 32 : address.match(range, bits);
  });
}
