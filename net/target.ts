import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { placeOf } from './address.ts';
import { type AllowedTarget, isAddressAllowed, isHostAllowed } from './allowed.ts';
import { TargetError } from './errors.ts';

/**
 * Checks a URL that a user or a connector named, as it is written, before it is kept or asked: https, or http to what is allowed; no user
 * name; no address that is not public unless it is allowed, in whatever spelling. A name is looked up only when it is asked (`guardedAgent`).
 * @throws TargetError
 */
export function checkTarget(text: string, allowed: readonly AllowedTarget[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new TargetError('url_invalid', 'This is not a URL with a host, as https://host/path.');
  }
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(text)) {
    throw new TargetError('userinfo_refused', `The URL of ${url.hostname} must not hold a name or password.`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TargetError('scheme_refused', `${url.protocol}// is not asked: use https://.`);
  }
  const host = bare(url.hostname);
  if (isIP(host) !== 0) {
    // A URL is read as 127.0.0.1 from 0x7f.1, 2130706433, 0177.1 or full-width digits: whoever writes so has something to hide.
    if (!text.toLowerCase().includes(url.hostname)) {
      throw new TargetError('url_invalid', `Write the address in its usual form, as ${url.hostname}.`);
    }
    checkAddress(host, host, url.protocol, allowed);
  } else if (isLocalName(host) && !isHostAllowed(host, allowed)) {
    throw refused(host, 'is a name of this machine or network');
  } else if (url.protocol === 'http:' && !isHostAllowed(host, allowed) && !allowed.some(isRange)) {
    throw plain(host);
  }
  return url;
}

/**
 * Checks one address that a host leads to, right before it is connected to.
 * @throws TargetError `address_refused`, or `scheme_refused` for http to what is not allowed
 */
export function checkAddress(host: string, address: string, protocol: string, allowed: readonly AllowedTarget[]): void {
  const place = placeOf(address);
  const isAllowed = isAddressAllowed(address, allowed) || (place !== 'metadata' && isHostAllowed(host, allowed));
  if (place !== 'public' && !isAllowed) throw refused(host, `leads to an address that is ${WORDS[place]}`);
  if (protocol === 'http:' && !isAllowed) throw plain(host);
}

/** Every address of a name must be one that may be asked: which one is taken is not ours to say. @throws TargetError */
export function checkAddresses(
  host: string,
  found: readonly LookupAddress[],
  protocol: string,
  allowed: readonly AllowedTarget[],
): void {
  if (found.length === 0) throw new TargetError('unresolvable', `${host} has no address.`);
  for (const { address } of found) checkAddress(host, address, protocol, allowed);
}

/** Without the brackets of IPv6. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

const WORDS = {
  metadata: 'the metadata service of a cloud',
  loopback: 'this machine',
  link_local: 'link-local',
  private: 'private',
  multicast: 'multicast',
  special: 'of special use',
} as const;

const REMEDY = 'If it is meant, name it in DSXCONNECT_ALLOWED_ADDRESSES.';

function refused(host: string, why: string): TargetError {
  return new TargetError('address_refused', `${host} ${why}. ${REMEDY}`);
}

function plain(host: string): TargetError {
  return new TargetError('scheme_refused', `${host} is not asked without TLS: use https://. ${REMEDY}`);
}

/** Names that no public server answers to. */
function isLocalName(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|localdomain|home\.arpa)$/.test(name);
}

function isRange({ kind }: AllowedTarget): boolean {
  return kind === 'addresses';
}
