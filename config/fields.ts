import path from 'node:path';
import { z } from 'zod';
import { parseSeconds } from '../domain/duration.ts';

/** Schemas of single settings, for variables (always text) and fields of the file alike. Each message says what is accepted. */

function text(input: unknown): string {
  return typeof input === 'string' ? input.trim() : String(input);
}

/** Text (or a scalar of the file) through `parse`, which returns undefined for what it does not accept. */
function field<T>(accepted: string, parse: (value: string) => T | undefined) {
  return z.union([z.string(), z.number(), z.boolean()], { error: accepted }).transform((input, context): T => {
    const value = parse(text(input));
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', input, message: accepted });
    return z.NEVER;
  });
}

/** `on`/`off`, also `true`/`false`, `yes`/`no`, `1`/`0`, in any case. */
export const onOff = field('must be on or off', (value) => {
  if (/^(on|true|yes|1)$/i.test(value)) return true;
  return /^(off|false|no|0)$/i.test(value) ? false : undefined;
});

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number) {
  return field(`must be a whole number from ${min} to ${max}`, (value) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** A count of bytes: a whole number, or a number with a unit (`KiB MiB GiB TiB`, `KB MB GB TB`). Undefined: not one. */
export function parseBytes(value: string): number | undefined {
  const [, digits, unit] = /^(\d{1,16}(?:\.\d{1,3})?)\s*([a-z]*)$/i.exec(value.trim()) ?? [];
  const factor = UNITS[(unit ?? '').toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const number = Number(digits) * factor;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** At least 1 byte. */
export const bytes = field('must be a number of bytes above 0, as 2147483648 or 2 GiB', (value) => {
  const number = parseBytes(value);
  return number !== undefined && number > 0 ? number : undefined;
});

/** An absolute path, without a slash at its end and without `.` and `..`. */
export const absolutePath = z.string({ error: 'must be an absolute path' }).transform((input, context) => {
  if (path.isAbsolute(input) && !input.includes('\0')) return path.resolve(input);
  const text = /^[a-z0-9]+:\/\//i.test(input)
    ? 'must be a path of this host (it starts with /), not a URL'
    : 'must be an absolute path (it starts with /)';
  context.issues.push({ code: 'custom', input, message: text });
  return z.NEVER;
});

/** An http(s) origin. A pasted `/scan/binary/v2` (or another scan path) and a slash at the end are taken off. */
export const scannerOrigin = field(
  'must be an http:// or https:// address without user, path and query, as https://scanner.example.com',
  (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
    const rest = url.pathname.replace(/\/+$/, '').replace(/\/scan\/(binary|base64|by_path)(\/v2)?$/, '');
    return rest === '' ? url.origin : undefined;
  },
);

/** An http(s) address, without a slash at its end. */
export const webAddress = field('must be an http:// or https:// address', (value) =>
  URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? value.replace(/\/+$/, '') : undefined,
);

/** A Redis address. */
export const redisAddress = field('must be a redis:// or rediss:// address, as redis://127.0.0.1:6379/0', (value) =>
  URL.canParse(value) && /^rediss?:$/.test(new URL(value).protocol) && new URL(value).hostname !== ''
    ? value
    : undefined,
);

/** `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets. */
export const hostPort = field('must be host:port without a scheme, as 127.0.0.1:7233', (value) => {
  const [, port] = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(value) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65535 ? value : undefined;
});

/** A name of ours (site, connector): lower-case letters, digits and hyphens, at most 63. */
export const name = field('must be 1 to 63 lower-case letters, digits and hyphens', (value) =>
  /^[a-z0-9-]{1,63}$/.test(value) ? value : undefined,
);

/** Host names, each with or without a port, separated by commas. In lower case. */
export const publicHosts = field('must be host names separated by commas, as dsx.example.com', (value) => {
  const names = value.split(',').map((host) => host.trim().toLowerCase());
  const isHost = (host: string) => /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/.test(host);
  return names.every(isHost) ? names : undefined;
});

/** Seconds of a length of time with a unit, at most `max` seconds. */
export function duration(max: number, accepted: string) {
  return field(accepted, (value) => {
    const seconds = parseSeconds(value);
    return seconds !== undefined && seconds <= max ? seconds : undefined;
  });
}

/** Whether what is sent to this address leaves the host in plain http, where others can read it. */
export function isPlainFar(address: unknown): boolean {
  const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined;
  return url?.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}
