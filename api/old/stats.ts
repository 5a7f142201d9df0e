import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import { addCounters, noCounters } from '../../domain/outcome.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { MAX_LIMIT } from '../request-schemas.ts';
import { MOST_RESULTS, recentResults } from './recent-results.ts';

const figure = z.number();
/** Where nothing is known: -1, as ever. */
export const scanStats = z.object({
  files_scanned: figure,
  benign_count: figure,
  malicious_count: figure,
  unknown_count: figure,
  unsupported_count: figure,
  not_scanned_count: figure,
  encrypted_count: figure,
  total_scan_time_in_microseconds: figure,
  total_scan_time_in_seconds: figure,
  total_file_size: figure,
  avg_file_size: figure,
  avg_scan_time_in_microseconds: figure,
  avg_scan_time_in_milliseconds: figure,
  avg_scan_time_in_seconds: figure,
  median_file_size_in_bytes: figure,
  median_scan_time_in_microseconds: figure,
  longest_scan_time_file: z.string(),
  longest_scan_time_file_size_in_bytes: figure,
  longest_scan_time_in_microseconds: figure,
  longest_scan_time_in_milliseconds: figure,
  longest_scan_time_in_seconds: figure,
  // New.
  jobs: figure,
  timed_results: figure,
});
export type ScanStats = z.output<typeof scanStats>;

/**
 * Counts and sizes are sums over the accounts of the newest 1,000 jobs. Times, medians, and what was unsupported or encrypted are of the
 * newest 1,000 results: accounts do not hold them.
 * @throws LedgerError, ControlError, StatusUnavailable
 */
export async function statsOf(deps: ApiDeps, jobs: Jobs): Promise<ScanStats> {
  const [list, results] = await Promise.all([
    jobs.list(MAX_LIMIT, undefined),
    recentResults(deps, { limit: MOST_RESULTS }),
  ]);
  let sum = noCounters();
  for (const job of list.jobs) {
    sum = addCounters(sum, job.counters);
    if (!isFinal(job.state) && job.live !== undefined) sum = addCounters(sum, job.live.counters);
  }
  const { clean, malicious, policy_blocked, unscannable, inconclusive } = sum.outcomes;
  const scanned = clean + malicious + policy_blocked + unscannable + inconclusive;
  const timed = results.flatMap((result) => {
    const micros = result.verdict.scan_duration_in_microseconds;
    const { location, size_in_bytes: size } = result.scan_request;
    return micros === null ? [] : [{ micros, location, size: size ?? -1 }];
  });
  const total = timed.length === 0 ? -1 : timed.reduce((all, { micros }) => all + micros, 0);
  const average = timed.length === 0 ? -1 : total / timed.length;
  const [longest] = [...timed].sort((a, b) => b.micros - a.micros);
  const sizes = results.flatMap(({ scan_request: { size_in_bytes: size } }) => size ?? []);
  const reasons = results.map(({ verdict }) => (verdict.verdict_details.reason ?? '').toLowerCase());
  return {
    files_scanned: scanned,
    benign_count: clean,
    malicious_count: malicious,
    unknown_count: inconclusive,
    unsupported_count: results.filter(({ verdict }) => verdict.verdict === 'Unsupported File Type').length,
    not_scanned_count: unscannable + policy_blocked,
    encrypted_count: reasons.filter((reason) => reason === 'encrypted file' || reason === 'encrypted_file').length,
    total_scan_time_in_microseconds: total,
    total_scan_time_in_seconds: scaled(total, 1e6),
    total_file_size: scanned === 0 ? -1 : sum.bytes,
    avg_file_size: scanned === 0 ? -1 : sum.bytes / scanned,
    avg_scan_time_in_microseconds: average,
    avg_scan_time_in_milliseconds: scaled(average, 1e3),
    avg_scan_time_in_seconds: scaled(average, 1e6),
    median_file_size_in_bytes: median(sizes),
    median_scan_time_in_microseconds: median(timed.map(({ micros }) => micros)),
    longest_scan_time_file: longest?.location ?? '',
    longest_scan_time_file_size_in_bytes: longest?.size ?? -1,
    longest_scan_time_in_microseconds: longest?.micros ?? -1,
    longest_scan_time_in_milliseconds: scaled(longest?.micros ?? -1, 1e3),
    longest_scan_time_in_seconds: scaled(longest?.micros ?? -1, 1e6),
    jobs: list.jobs.length,
    timed_results: timed.length,
  };
}

function scaled(value: number, by: number): number {
  return value < 0 ? -1 : value / by;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? -1 : (lower + upper) / 2;
}
