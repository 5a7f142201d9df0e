import { SCANNER_CODES, type ScannerCode } from './errors.ts';

/** First delay and longest delay between two attempts, in milliseconds. */
const BASE_MS = 1_000;
const CAP_MS = 60_000;

/**
 * How long to wait before the next attempt at an item: exponential with full jitter, unless the scanner named a time.
 * @param attempt the attempt that failed, from 1
 * @param random uniform in [0, 1)
 */
export function retryDelayMs(
  code: ScannerCode,
  attempt: number,
  retryAfterMs: number | undefined,
  random: () => number = Math.random,
): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, CAP_MS);
  if (SCANNER_CODES[code].tries <= 1) return 0;
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(Math.max(attempt, 1) - 1, 16));
  return Math.floor(random() * ceiling);
}

/** Retry-After as milliseconds from `nowMs` (Unix time): seconds or an HTTP date, at most 60 s; undefined if unreadable. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), CAP_MS);
}
