import { hoursText } from '../../domain/hours-text.ts';
import type { Limits } from '../../domain/limits.ts';
import { visible } from './names.ts';
import { bytes, count } from './units.ts';

/** The figures among the limits in a few words, as `50 in flight, 10 MiB/s, 20 requests/s`; empty when there are none. */
export function rateText({ itemsInFlight, bytesPerSecond, requestsPerSecond }: Limits): string {
  return [
    ...(itemsInFlight === undefined ? [] : [`${count(itemsInFlight)} in flight`]),
    ...(bytesPerSecond === undefined ? [] : [`${bytes(bytesPerSecond)}/s`]),
    ...(requestsPerSecond === undefined ? [] : [`${count(requestsPerSecond)} requests/s`]),
  ].join(', ');
}

/** All limits in a line; `none` when there are none. */
export function limitsText(limits: Limits): string {
  const hours = limits.hours === undefined ? '' : visible(hoursText(limits.hours));
  return [rateText(limits), hours].filter((text) => text !== '').join('; ') || 'none';
}

/** A moment for people: `2026-11-23 22:00Z`. */
export function momentText(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')}Z`;
}
