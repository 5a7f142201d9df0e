import type { JobResource } from '../../api/contract.ts';
import { isFinal } from '../../domain/job.ts';
import { addCounters, type Counters, rowsOf } from '../../domain/outcome.ts';
import { secondsBetween } from '../render/units.ts';

/** What the figures of a job say at one moment, for showing. */
export interface Figures {
  readonly counters: Counters;
  /** Rows of closed and open pages; never more than `listed`. */
  readonly scanned: number;
  readonly listed: number;
  readonly inFlight: number | undefined;
  readonly seconds: number;
}

/** Sums closed pages and the live figures of open ones. A page that closes may be in both for a moment. */
export function figuresOf(job: JobResource, now: Date = new Date()): Figures {
  const live = isFinal(job.state) ? undefined : job.live;
  const counters = live === undefined ? job.counters : addCounters(job.counters, live.counters);
  return {
    counters,
    scanned: Math.min(rowsOf(counters), job.listed),
    listed: job.listed,
    inFlight: live?.inFlight,
    seconds: secondsBetween(job.startedAt, job.endedAt ?? now.toISOString()),
  };
}

export interface Rates {
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Seconds until the last item, once the listing is done and something moves. */
  readonly etaSeconds: number | undefined;
}

interface Sample {
  readonly at: number;
  readonly scanned: number;
  readonly bytes: number;
}

/** Milliseconds that rates look back. */
const WINDOW_MS = 10_000;

/** Follows the figures of one job: rates over the last 10 s, the workers' own where they are there. */
export function createRates(): { add(job: JobResource, nowMs: number): Rates } {
  let samples: Sample[] = [];
  return {
    add(job, nowMs) {
      const figures = figuresOf(job, new Date(nowMs));
      const now: Sample = { at: nowMs, scanned: figures.scanned, bytes: figures.counters.bytes };
      samples = samples.filter((sample) => sample.at >= nowMs - WINDOW_MS);
      samples.push(now);
      const first = samples[0] ?? now;
      const seconds = (now.at - first.at) / 1000;
      const own = {
        items: seconds < 0.5 ? 0 : Math.max(0, now.scanned - first.scanned) / seconds,
        bytes: seconds < 0.5 ? 0 : Math.max(0, now.bytes - first.bytes) / seconds,
      };
      const moving = job.state === 'running' || (!isFinal(job.state) && (job.live?.inFlight ?? 0) > 0);
      const itemsPerSecond = moving ? (job.live?.itemsPerSecond ?? own.items) : 0;
      const steady = own.items > 0 ? own.items : itemsPerSecond;
      const left = figures.listed - figures.scanned;
      return {
        itemsPerSecond,
        bytesPerSecond: moving ? (job.live?.bytesPerSecond ?? own.bytes) : 0,
        etaSeconds: moving && job.listingDone && job.state === 'running' && steady > 0 ? left / steady : undefined,
      };
    },
  };
}
