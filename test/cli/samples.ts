import { PassThrough } from 'node:stream';
import type { JobResource } from '../../api/contract.ts';
import { createOutput, type Output } from '../../cli/render/output.ts';
import { type ActionRow, noActions } from '../../domain/action.ts';
import { noOutcomes, type OutcomeRow } from '../../domain/outcome.ts';

export const ROOT_HASH = 'ab'.repeat(32);

/** A running job; give what differs. */
export function runningJob(changes: Partial<JobResource> = {}): JobResource {
  return {
    job: 'f-1',
    kind: 'full',
    source: { kind: 'folder', id: 'folder-1', path: '/srv/share' },
    settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa' },
    state: 'running',
    actor: 'cli',
    startedAt: '2026-11-23T10:00:00.000Z',
    revision: 1,
    listed: 1000,
    listedBytes: 4096 * 1000,
    listingDone: true,
    outside: 0,
    counters: { outcomes: { ...noOutcomes(), clean: 400 }, bytes: 4096 * 400, standIn: 0 },
    pages: { listed: 2, open: 1, closed: 1 },
    actions: noActions(),
    gaps: [],
    from: 'status',
    ledger: '/var/dsx/ledger/f-1',
    ...changes,
  };
}

/** A job that has ended completely; give what differs. */
export function endedJob(changes: Partial<JobResource> = {}): JobResource {
  return runningJob({
    state: 'completed',
    endedAt: '2026-11-23T10:00:10.000Z',
    counters: { outcomes: { ...noOutcomes(), clean: 1000 }, bytes: 4096 * 1000, standIn: 0 },
    root: ROOT_HASH,
    ...changes,
  });
}

export function findingRow(n: number, changes: Partial<OutcomeRow> = {}): OutcomeRow {
  return {
    item: `0-1:${n}`,
    location: `bad/file-${n}.exe`,
    outcome: 'malicious',
    listed: { version: 'v1', size: 68 },
    judged: { version: 'v1', size: 68 },
    sha256: 'cd'.repeat(32),
    verdict: { verdict: 'Malicious', threatType: 'EICARType' },
    scanner: { name: 'dsxa', standIn: false },
    attempts: 1,
    at: '2026-11-23T10:00:05.000Z',
    ...changes,
  };
}

export function actionRow(n: number, changes: Partial<ActionRow> = {}): ActionRow {
  return {
    finding: `f-1/0-1:${n}`,
    item: `0-1:${n}`,
    location: `bad/file-${n}.exe`,
    action: 'move',
    state: 'done',
    code: 'applied',
    version: 'v1',
    destination: `/var/dsx/quarantine/q-${n}`,
    by: 'job f-1',
    at: '2026-11-23T10:00:06.000Z',
    ...changes,
  };
}

/** Streams that keep what was written to them; stderr is a terminal if it is given columns. */
export function capturing(columns?: number): { output: Output; out: () => string; err: () => string } {
  const streams = [new PassThrough(), new PassThrough()] as const;
  const texts = ['', ''];
  streams.forEach((stream, i) => {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      texts[i] += chunk;
    });
  });
  if (columns !== undefined) Object.assign(streams[1], { isTTY: true, columns, rows: 24 });
  const [stdout, stderr] = streams as unknown as [NodeJS.WriteStream, NodeJS.WriteStream];
  return { output: createOutput(stdout, stderr), out: () => texts[0] ?? '', err: () => texts[1] ?? '' };
}
