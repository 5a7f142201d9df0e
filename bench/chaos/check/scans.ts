import { touches } from '../timeline.ts';
import type { Findings } from './findings.ts';
import type { JobRecord } from './read-job.ts';
import type { Scan } from './requests.ts';
import type { WorkerSpans } from './spans.ts';

export interface ScanFigures {
  /** Requests for items of the job. */
  readonly scans: number;
  /** Items that were judged. */
  readonly judged: number;
  /** Scans beyond the one that each row stands on. */
  readonly rescans: number;
  /** Scans that were in flight, or not yet in a checkpoint, at some fault: the most that may have been repeated. */
  readonly bound: number;
}

/**
 * The rows against what the scanner saw: each verdict was given once, for these bytes; nothing was scanned that was not listed; and
 * what was scanned again was in flight, or behind its last checkpoint, when something happened.
 * @param spans by worker; without any, nothing may have been scanned twice
 */
export function checkScans(
  record: JobRecord,
  scans: readonly Scan[],
  spans: ReadonlyMap<string, WorkerSpans>,
  findings: Findings,
): ScanFigures {
  const byItem = Map.groupBy(scans, (scan) => scan.item);
  const rows = new Map(record.rows.map((row) => [row.item, row]));
  let rescans = 0;
  for (const [item, seen] of byItem) {
    const row = rows.get(item);
    if (row?.judged === undefined) {
      const what = record.items.has(item) ? 'has no verdict' : 'was never listed';
      findings.add('scans', `the scanner was asked about ${item}, which ${what}`);
      continue;
    }
    rescans += seen.length - 1;
    checkRepeats(item, seen, row.scanner?.scanId, spans, findings);
  }
  let judged = 0;
  for (const row of record.rows) {
    if (row.judged === undefined) continue;
    judged += 1;
    const answer = byItem.get(row.item)?.find(({ scanId }) => scanId !== undefined && scanId === row.scanner?.scanId);
    if (answer === undefined) findings.add('scans', `the scanner never gave the verdict of ${row.item}`);
    else if (
      answer.sha256 !== row.sha256 ||
      answer.verdict !== row.verdict?.verdict ||
      answer.bytes !== row.judged.size
    ) {
      findings.add('scans', `the row of ${row.item} is not what the scanner answered`);
    }
  }
  const bound = scans.filter((scan) => excused(scan, spans)).length;
  if (rescans > bound) findings.add('scans', `${rescans} scans were repeated, and at most ${bound} may have been`);
  return { scans: scans.length, judged, rescans, bound };
}

/** Scans beside the one that the row stands on. */
function checkRepeats(
  item: string,
  seen: readonly Scan[],
  counted: string | undefined,
  spans: ReadonlyMap<string, WorkerSpans>,
  findings: Findings,
): void {
  for (const scan of seen) {
    if (scan.scanId !== undefined && scan.scanId === counted) continue;
    if (excused(scan, spans)) continue;
    const at = new Date(scan.received).toISOString();
    const others = seen.filter((one) => one !== scan).map((one) => `${one.worker} ${one.received - scan.received} ms`);
    findings.add(
      'rescans',
      `${item}, by ${scan.worker} at ${at} (status ${scan.status}), beside ${others.join(', ')}: for no reason`,
    );
  }
}

/** Whether the scan may have been lost with its worker, its connection or its checkpoint. */
function excused(scan: Scan, spans: ReadonlyMap<string, WorkerSpans>): boolean {
  const { lossy = [] } = spans.get(scan.worker) ?? {};
  return touches({ from: scan.received, to: scan.answered }, lossy);
}
