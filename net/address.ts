import ipaddr from 'ipaddr.js';

/**
 * What kind of place an address is. Only `public` may be reached without being allowed. `metadata` is where clouds hand out credentials:
 * it has a class of its own, so that no range that is allowed opens it by the way.
 */
export type Place = 'public' | 'metadata' | 'loopback' | 'link_local' | 'private' | 'multicast' | 'special';

/** Of AWS, Azure, Google, Oracle, DigitalOcean; of AWS's containers; of Azure's host; of Alibaba; of AWS by IPv6; of Google by IPv6. */
const METADATA = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
]);

const PLACES: Readonly<Record<string, Place>> = {
  unicast: 'public',
  loopback: 'loopback',
  linkLocal: 'link_local',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
  multicast: 'multicast',
  broadcast: 'multicast',
};

/** Global unicast: all that is given to anybody. The rest of IPv6 is special or nobody's. */
const GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3');
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * The address itself, in the one spelling that is compared: of an IPv6 form that leads to an IPv4 address (mapped, NAT64) that address.
 * Undefined for what is no address, has a zone, or is IPv4 in any spelling but four decimal numbers.
 */
export function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes('%') || !text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined;
  // The library reads ::1.2.3.4 as mapped, which it is not: what it is given has no dots.
  const url = `http://[${text}]/`;
  if (!URL.canParse(url)) return undefined;
  const six = ipaddr.IPv6.parse(new URL(url).hostname.slice(1, -1));
  if (six.isIPv4MappedAddress()) return six.toIPv4Address();
  if (six.match(NAT64)) return new ipaddr.IPv4(six.toByteArray().slice(12));
  return six;
}

/** Where an address leads. What is no address is `special`. */
export function placeOf(text: string): Place {
  const address = addressOf(text);
  if (address === undefined) return 'special';
  if (METADATA.has(address.toString())) return 'metadata';
  const place = PLACES[address.range()] ?? 'special';
  // Whatever leads through another network's gate (6to4, Teredo, translated forms) is special too: its range says so.
  if (place === 'public' && address instanceof ipaddr.IPv6 && !address.match(GLOBAL)) return 'special';
  return place;
}
