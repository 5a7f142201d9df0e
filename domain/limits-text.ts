import { hoursText } from './hours-text.ts';
import type { Limits } from './limits.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Limits as people read them: `50 in flight, 10 MiB/s, 20 requests/s; Mon-Fri 22:00-06:00 Europe/Zurich`, or `none`. */
export function limitsText({ itemsInFlight, bytesPerSecond, requestsPerSecond, hours }: Limits): string {
  const figures = [
    ...(itemsInFlight === undefined ? [] : [`${itemsInFlight} in flight`]),
    ...(bytesPerSecond === undefined ? [] : [`${bytesText(bytesPerSecond)}/s`]),
    ...(requestsPerSecond === undefined ? [] : [`${requestsPerSecond} requests/s`]),
  ].join(', ');
  return [figures, hours === undefined ? '' : hoursText(hours)].filter((text) => text !== '').join('; ') || 'none';
}

/** With two decimals at most. */
function bytesText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Math.round((bytes / 2 ** (10 * unit)) * 100) / 100} ${UNITS[unit]}`;
}
