import type { Item } from './item.ts';
import { notScanned } from './preview.ts';

/** What was counted of a listing. Numbers alone: nothing of it names an item. */
export interface EstimateCounts {
  /** Items that a scan would list, and their bytes. */
  readonly items: number;
  readonly bytes: number;
  /** Those of them that would be sent to the scanner. */
  readonly scanItems: number;
  readonly scanBytes: number;
  /** The others, by outcome and reason: `skipped/size`, `unscannable/archived`. */
  readonly notScanned: Readonly<Record<string, number>>;
  /** Entries met that lie outside the filter, as far as the listing saw them. */
  readonly outside: number;
  /** Folders that could not be listed. */
  readonly gaps: number;
  /** Requests to the storage. */
  readonly requests: number;
  /** Time spent listing. */
  readonly seconds: number;
}

export const ESTIMATE_STATES = ['running', 'completed', 'stopped', 'out_of_time', 'failed'] as const;
export type EstimateState = (typeof ESTIMATE_STATES)[number];

/** An estimate as it is now. */
export interface Estimate extends EstimateCounts {
  readonly state: EstimateState;
  /** True unless the listing was counted to its end. */
  readonly partial: boolean;
  /** Present when it failed: what was counted till then stands. */
  readonly failure?: { readonly code: string; readonly message: string };
}

export const NO_COUNTS: EstimateCounts = {
  items: 0,
  bytes: 0,
  scanItems: 0,
  scanBytes: 0,
  notScanned: {},
  outside: 0,
  gaps: 0,
  requests: 0,
  seconds: 0,
};

/** Before anything is counted. */
export const BEGUN: Estimate = { ...NO_COUNTS, state: 'running', partial: true };

export function addCounts(a: EstimateCounts, b: EstimateCounts): EstimateCounts {
  const reasons = new Set([...Object.keys(a.notScanned), ...Object.keys(b.notScanned)]);
  const sum = (reason: string): number => (a.notScanned[reason] ?? 0) + (b.notScanned[reason] ?? 0);
  return {
    items: a.items + b.items,
    bytes: a.bytes + b.bytes,
    scanItems: a.scanItems + b.scanItems,
    scanBytes: a.scanBytes + b.scanBytes,
    notScanned: Object.fromEntries([...reasons].sort().map((reason) => [reason, sum(reason)])),
    outside: a.outside + b.outside,
    gaps: a.gaps + b.gaps,
    requests: a.requests + b.requests,
    seconds: Math.round((a.seconds + b.seconds) * 1000) / 1000,
  };
}

/** Counts the items of one stretch of a listing. */
export class Tally {
  #items = 0;
  #bytes = 0;
  #scanItems = 0;
  #scanBytes = 0;
  readonly #notScanned: Record<string, number> = {};
  outside = 0;
  gaps = 0;

  /** @param scannerMax bytes that the scanner takes at most, where that is known */
  add(item: Item, scannerMax: number | undefined): void {
    const size = item.size ?? 0;
    this.#items += 1;
    this.#bytes += size;
    const why = notScanned(item, scannerMax);
    if (why === undefined) {
      this.#scanItems += 1;
      this.#scanBytes += size;
      return;
    }
    const reason = `${why.outcome}/${why.reason}`;
    this.#notScanned[reason] = (this.#notScanned[reason] ?? 0) + 1;
  }

  counts(requests: number, seconds: number): EstimateCounts {
    return {
      items: this.#items,
      bytes: this.#bytes,
      scanItems: this.#scanItems,
      scanBytes: this.#scanBytes,
      notScanned: { ...this.#notScanned },
      outside: this.outside,
      gaps: this.gaps,
      requests,
      seconds,
    };
  }
}
