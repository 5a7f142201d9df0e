import { expect, it } from 'vitest';
import type { PlannedTurn } from '../../activities/types.ts';
import { noCounters, noOutcomes } from '../../domain/outcome.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import { ScanJob } from '../../workflows/scan-job/scan-job.ts';
import type { PageTask } from '../../workflows/scan-job/state.ts';

/** What Temporal takes as one payload. */
const PAYLOAD = 2 * 2 ** 20;
let n = 0;
/** A name as long as the ledger makes them. */
const ref = (folder: string): ObjectRef => ({
  name: `${folder}/0-${n++}.0192f5a0-aaaa-bbbb-cccc-0123456789ab.12345.7.${'n'.repeat(24)}.ndjson.zst`,
  hash: 'f'.repeat(64),
});
const turn = (pages: number): PlannedTurn => ({
  index: ref('indexes'),
  pages,
  items: pages,
  bytes: pages,
  outside: 1_000,
  gaps: 0,
  pageItems: 5_000,
  done: false,
});

function begun(): ScanJob {
  const job = ScanJob.begin(
    {
      job: 'job-1',
      kind: 'full',
      source: { kind: 'folder', id: 'folder-1', path: '/data' },
      settings: { filter: '', action: 'move', dryRun: false, scanner: 'dsxa' },
      actor: 'test',
      window: 50,
    },
    '2026-11-23T00:00:00.000Z',
  );
  job.begun(ref('header'));
  job.opened({ fingerprint: '1:1' });
  return job;
}

/** Plans as long as there is something to plan. @returns turns */
function planAll(job: ScanJob, pages: number): number {
  for (let turns = 0; ; turns++) {
    if (turns > 100_000) throw new Error('planning never waits');
    if (job.takePlanning() === undefined) return turns;
    job.planned(turn(pages));
  }
}

function take(job: ScanJob): PageTask[] {
  const tasks: PageTask[] = [];
  for (let task = job.takePage(); task !== undefined; task = job.takePage()) tasks.push(task);
  return tasks;
}

function close(job: ScanJob, task: PageTask): void {
  const counters = { outcomes: { ...noOutcomes(), malicious: 1, clean: 4_999 }, bytes: 2 ** 40, standIn: 5_000 };
  const result = { page: task.page, listing: ref('pages'), items: 5_000, segment: ref('segments'), counters };
  job.scanned(task, { end: 'closed', result });
}

it('a job carries less than one payload, however much is listed and however slow scanning, actions and commits are', () => {
  const job = begun();
  const done = Buffer.alloc(1250, 0xff).toString('base64');
  const hands = Array.from({ length: 24 }, (_, i) => 5_000 + i);
  for (let round = 0; round < 200; round++) {
    planAll(job, 50);
    const tasks = take(job);
    if (tasks.length === 0) break;
    for (const task of tasks) close(job, task);
  }
  planAll(job, 0);
  // Commits never come; what is open is handed back with the largest checkpoints.
  expect(take(job)).toEqual([]);
  const bare = begun();
  planAll(bare, 50);
  const open = take(bare);
  expect(open).toHaveLength(50);
  for (const task of open) {
    const checkpoint = { v: 1 as const, done, hands, counters: noCounters(), parts: 99, part: ref('parts').name };
    bare.scanned(task, { end: 'open', checkpoint, why: 'turn' });
  }
  job.state.returned = bare.state.returned;
  expect(JSON.stringify(job.state).length).toBeLessThan(PAYLOAD);
});

it('planning and scanning go on once commits and actions have caught up', () => {
  const job = begun();
  planAll(job, 1);
  expect(job.takePlanning()).toBeUndefined();
  const body = job.takeCommit();
  expect(body).toBeDefined();
  if (body !== undefined) job.committed(body, ref('commits'));
  expect(job.takePlanning()).toBeDefined();
});

it('empty turns are committed too: a filter that leaves everything out lists for ever in bounded room', () => {
  const job = begun();
  for (let round = 0; round < 50; round++) {
    planAll(job, 0);
    const body = job.takeCommit();
    if (body === undefined) throw new Error('no commit is due');
    job.committed(body, ref('commits'));
  }
  expect(JSON.stringify(job.state).length).toBeLessThan(PAYLOAD / 10);
});
