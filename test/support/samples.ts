import { noActions } from '../../domain/action.ts';
import type { JobProgress, LiveFigures } from '../../domain/job.ts';
import { noCounters, noOutcomes, type OutcomeRow } from '../../domain/outcome.ts';
import type { WatchHealth } from '../../domain/watch.ts';

/** A job in the middle of its scan, for tests that need one. */
export function sampleProgress(job: string, changes: Partial<JobProgress> = {}): JobProgress {
  return {
    job,
    kind: 'full',
    source: { kind: 'folder', id: 'folder-0123456789abcdef', path: '/data' },
    settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa' },
    state: 'running',
    actor: 'test',
    startedAt: '2026-11-23T08:45:00.000Z',
    revision: 1,
    listed: 10,
    listedBytes: 1000,
    listingDone: false,
    outside: 0,
    counters: noCounters(),
    pages: { listed: 1, open: 1, closed: 0 },
    actions: noActions(),
    gaps: [],
    ...changes,
  };
}

export function sampleLive(clean: number, inFlight: number): LiveFigures {
  return {
    counters: { outcomes: { ...noOutcomes(), clean }, bytes: clean * 100, standIn: 0 },
    inFlight,
    itemsPerSecond: clean / 2,
    bytesPerSecond: clean * 50,
  };
}

export function sampleRow(item: string, changes: Partial<OutcomeRow> = {}): OutcomeRow {
  return {
    item,
    location: `folder/${item}.bin`,
    outcome: 'malicious',
    listed: { version: 'v1', size: 68 },
    judged: { version: 'v1', size: 68 },
    sha256: 'a'.repeat(64),
    verdict: { verdict: 'Malicious' },
    scanner: { name: 'dsxa', standIn: false },
    at: '2026-11-23T08:46:00.000Z',
    ...changes,
  };
}

export function sampleWatch(more: Partial<WatchHealth> = {}): WatchHealth {
  return {
    connector: 'docs',
    state: 'watching',
    source: { webhook: false, pull: 'sqs' },
    revision: 1,
    startedAt: '2026-11-23T10:00:00.000Z',
    counts: { events: 3, ignored: 0, unreadable: 0 },
    ...more,
  };
}
