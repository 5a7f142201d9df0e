import { noActions } from '../../domain/action.ts';
import type { JobProgress } from '../../domain/job.ts';
import { noCounters, type OutcomeRow } from '../../domain/outcome.ts';
import { openLedger } from '../../ledger/ledger.ts';
import type { StatusStore } from '../../status/status.ts';

const DAY = Date.parse('2026-11-23T08:00:00.000Z');
const OUTCOMES = { clean: 9_000, malicious: 3, skipped: 12, unscannable: 20 };

/** A job as a console meets it: most have ended, one in ten of those with gaps, and the newest run. */
export function benchJob(at: number, running: boolean, revision = 40): JobProgress {
  const gaps = !running && at % 10 === 0;
  const counters = noCounters();
  return {
    job: `job-20261123T080000000-${String(at).padStart(6, '0')}`,
    kind: 'full',
    source: { kind: 'connector', id: `share-${at % 25}` },
    settings: { filter: '-tmp -*.bak', action: 'move', quarantine: '.quarantine', dryRun: false, scanner: 'dsxa' },
    state: running ? 'running' : gaps ? 'completed_with_gaps' : 'completed',
    actor: 'key:nightly',
    startedAt: new Date(DAY + at * 10_000).toISOString(),
    ...(!running && { endedAt: new Date(DAY + at * 10_000 + 9_000).toISOString() }),
    revision,
    listed: 9_035 + revision,
    listedBytes: 4_000_000_000 + revision,
    listingDone: !running,
    outside: 112,
    counters: { ...counters, bytes: 3_900_000_000, outcomes: { ...counters.outcomes, ...OUTCOMES } },
    pages: { listed: 12, open: running ? 4 : 0, closed: running ? 8 : 12 },
    actions: { ...noActions(), done: 3 },
    gaps: gaps ? [{ class: 'unscannable', count: 20 }] : [],
    commit: { number: 12, hash: 'a'.repeat(64) },
  };
}

export function benchFinding(at: number): OutcomeRow {
  return {
    item: `0-${Math.floor(at / 1_000)}:${at % 1_000}`,
    location: `projects/2026/department-${at % 37}/invoice ${at}.docm`,
    outcome: 'malicious',
    listed: { version: `v-${at}`, size: 48_213 },
    judged: { version: `v-${at}`, size: 48_213 },
    sha256: at.toString(16).padStart(64, '0'),
    verdict: { verdict: 'Malicious', threatType: 'Trojan.Generic', fileType: 'OOXML' },
    scanner: { name: 'dsxa', standIn: false, scanId: `scan-${at}` },
    attempts: 1,
    at: new Date(DAY).toISOString(),
  };
}

/** Writes so many jobs to the status and their headers to the ledger, the last `running` of them still running. */
export async function fillHistory(place: string, status: StatusStore, jobs: number, running: number): Promise<void> {
  const ledger = await openLedger(place);
  for (let at = 0; at < jobs; at++) {
    const progress = benchJob(at, at >= jobs - running);
    const { job, kind, source, settings, actor, startedAt } = progress;
    await ledger.job(job).writeHeader({ format: 1, job, kind, source, settings, actor, startedAt });
    await status.publishJob(progress);
  }
  await ledger.close();
  await status.noteRebuild({ epoch: await status.epoch(), place: undefined, done: true });
}
