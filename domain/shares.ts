import type { Limits } from './limits.ts';

/** Items of one page that are worked on at once, at most. The scanner's limiter decides how many of them are sent. */
export const RUNNERS = 24;

/** What one page in flight may use of its job's limits. An absent rate is not limited. */
export interface Share {
  /** Items at once, 1 … `RUNNERS`. */
  readonly items: number;
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

/** The share of a page whose job has no limit. */
export const FULL_SHARE: Share = { items: RUNNERS };

/** A page with less than this would keep a large item waiting for long: in bytes a second. */
const PAGE_BYTES = 2 ** 18;

/**
 * Pages of a job whose rates are limited: as many as one worker takes. More would wait for a slot with a part of the rate that
 * nobody else could use meanwhile.
 */
const RATED_PAGES = 4;

/**
 * Divides a job's limits over pages, exactly: the shares of what is limited sum up to the limit (or to all that so many pages
 * can use of it), and none is zero. There are never more than `window` of them, and at least one.
 */
export function sharesOf(limits: Limits, window: number): Share[] {
  const { itemsInFlight: items, requestsPerSecond: requests, bytesPerSecond: bytes } = limits;
  const count = Math.max(
    1,
    Math.min(
      window,
      items === undefined ? window : Math.ceil(items / RUNNERS),
      requests === undefined ? window : Math.min(RATED_PAGES, requests),
      bytes === undefined ? window : Math.min(RATED_PAGES, Math.floor(bytes / PAGE_BYTES)),
    ),
  );
  return Array.from({ length: count }, (_, i) => ({
    items: items === undefined ? RUNNERS : Math.min(RUNNERS, part(items, count, i)),
    ...(requests !== undefined && { requestsPerSecond: part(requests, count, i) }),
    ...(bytes !== undefined && { bytesPerSecond: part(bytes, count, i) }),
  }));
}

/**
 * As `sharesOf`, for the last pages of a job: the fewer are left, the larger their shares. They grow in steps of a third, because
 * pages are interrupted for it; up to four pages use the limits fully.
 * @param left pages in flight and pages that wait
 */
export function lastSharesOf(limits: Limits, window: number, left: number): Share[] {
  let shares = sharesOf(limits, window);
  for (;;) {
    const fewer = Math.floor((shares.length * 3) / 4);
    if (fewer < Math.max(1, left)) return shares;
    shares = sharesOf(limits, fewer);
  }
}

/** The i-th of `count` whole parts that sum up to `total`; they differ by 1 at most. */
function part(total: number, count: number, i: number): number {
  return Math.floor(total / count) + (i < total % count ? 1 : 0);
}

export function sameShare(a: Share, b: Share): boolean {
  return a.items === b.items && a.requestsPerSecond === b.requestsPerSecond && a.bytesPerSecond === b.bytesPerSecond;
}

/** True when one more page with this share keeps the job inside its limits, whatever share the pages in flight were given. */
export function fits(limits: Limits, taken: readonly Share[], share: Share): boolean {
  const inside = (limit: number | undefined, use: (share: Share) => number): boolean =>
    limit === undefined || taken.reduce((sum, one) => sum + use(one), use(share)) <= limit;
  return (
    inside(limits.itemsInFlight, ({ items }) => items) &&
    inside(limits.requestsPerSecond, ({ requestsPerSecond }) => requestsPerSecond ?? Number.POSITIVE_INFINITY) &&
    inside(limits.bytesPerSecond, ({ bytesPerSecond }) => bytesPerSecond ?? Number.POSITIVE_INFINITY)
  );
}
