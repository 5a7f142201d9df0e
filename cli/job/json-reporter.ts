import type { JobResource } from '../../api/contract.ts';
import type { Output } from '../render/output.ts';
import { createRates, figuresOf } from './figures.ts';
import type { Reporter } from './reporter.ts';
import { findingJson, SUMMARY_FINDINGS, summaryOf } from './summary.ts';

/** Milliseconds between two progress events at least. */
const EVERY_MS = 500;

/** NDJSON on stdout: `started`, `progress`, `finding`, and as the last line `summary` (or `detached`). Remarks go to stderr. */
export function createJsonReporter(output: Output): Reporter {
  const rates = createRates();
  let last = Number.NEGATIVE_INFINITY;
  const emit = (event: object): void => output.out(JSON.stringify(event));
  return {
    wanted: SUMMARY_FINDINGS,
    started: (job, joined) => emit({ type: 'started', job, joined }),
    progress(job) {
      const now = performance.now();
      if (now - last < EVERY_MS) return;
      last = now;
      emit(progressEvent(job, rates.add(job, Date.now())));
    },
    finding: (row) => emit({ type: 'finding', ...findingJson({ row }) }),
    note: (line) => output.err(line),
    account: (job, findings) => emit(summaryOf(job, findings)),
    detached: (job, watch) => emit({ type: 'detached', job, watch }),
    close() {},
  };
}

function progressEvent(job: JobResource, rates: ReturnType<ReturnType<typeof createRates>['add']>): object {
  const figures = figuresOf(job);
  return {
    type: 'progress',
    job: job.job,
    state: job.state,
    ...(job.idle !== undefined && { idle: job.idle }),
    ...(job.limits !== undefined && { limits: job.limits }),
    listed: job.listed,
    listedBytes: job.listedBytes,
    listingDone: job.listingDone,
    scanned: figures.scanned,
    bytes: figures.counters.bytes,
    outcomes: figures.counters.outcomes,
    ...(figures.inFlight !== undefined && { inFlight: figures.inFlight }),
    itemsPerSecond: Math.round(rates.itemsPerSecond * 10) / 10,
    bytesPerSecond: Math.round(rates.bytesPerSecond),
    ...(rates.etaSeconds !== undefined && { etaSeconds: Math.round(rates.etaSeconds) }),
    seconds: figures.seconds,
  };
}
