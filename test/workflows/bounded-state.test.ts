import { expect, it } from 'vitest';
import type { PlannedTurn } from '../../activities/types.ts';
import { reference } from '../../bench/lib/simulation/storage.ts';
import { noActions } from '../../domain/action.ts';
import { noOutcomes, rowsOf } from '../../domain/outcome.ts';
import type { CommitBody, PageResult } from '../../ledger/types.ts';
import { ScanJob } from '../../workflows/scan-job/scan-job.ts';
import type { PageTask } from '../../workflows/scan-job/state.ts';

const NOW = '2026-11-23T00:00:00.000Z';
const ITEMS = 5_000;
/** Half of what Temporal takes as one payload. */
const MOST_BYTES = 2 ** 20;
const writer = { run: '0198f2f3-9f3c-7b44-a6f5-1d2a5b1f9a3e', activity: '12345', attempt: 1 };

/** A job of the rules alone, with pages of which every item is malicious. */
class Bare {
  readonly job: ScanJob;
  #committed = 0;

  constructor() {
    const settings = { filter: '', action: 'move', dryRun: false, scanner: 'dsxa' } as const;
    this.job = ScanJob.begin(
      { job: 'job-1', kind: 'full', source: { kind: 'connector', id: 'share' }, settings, actor: 'test' },
      NOW,
    );
    this.job.begun(reference('commits', 'header', writer));
    this.job.opened({ fingerprint: 'disk-1' });
  }

  /** A turn of a slow storage: one page. False when planning waits. */
  plan(done = false): boolean {
    if (this.job.takePlanning() === undefined) return false;
    const index = reference('indexes', '0-0', writer);
    const turn: PlannedTurn = { index, pages: 1, items: ITEMS, bytes: 1, outside: 0, gaps: 0, pageItems: ITEMS, done };
    this.job.planned(turn);
    return true;
  }

  take(): PageTask[] {
    const tasks: PageTask[] = [];
    for (let task = this.job.takePage(); task !== undefined; task = this.job.takePage()) tasks.push(task);
    return tasks;
  }

  close(task: PageTask): void {
    this.job.scanned(task, { end: 'closed', result: malicious(task.page) });
    const commit = this.job.takeCommit();
    if (commit !== undefined) this.commit(commit);
  }

  planActions(): void {
    for (let page = this.job.actions.takePlan(); page !== undefined; page = this.job.actions.takePlan()) {
      this.job.actions.planned({ count: ITEMS, intents: reference('intents', page.page, writer) }, page);
    }
  }

  /** One batch of actions. False when there is none. */
  act(): boolean {
    const batch = this.job.actions.take();
    if (batch === undefined) return false;
    const counts = { ...noActions(), done: batch.to - batch.from };
    this.job.actions.applied({ result: { segment: reference('actions', '1', writer), counts }, unresolved: 0 }, batch);
    const commit = this.job.takeCommit();
    if (commit !== undefined) this.commit(commit);
    return true;
  }

  commit(body: CommitBody): void {
    expect(JSON.stringify(body).length).toBeLessThan(MOST_BYTES);
    this.#committed += body.pages.length;
    this.job.committed(body, reference('commits', String(body.number), writer));
  }

  get committed(): number {
    return this.#committed;
  }

  get bytes(): number {
    return JSON.stringify(this.job.state).length;
  }
}

function malicious(page: string): PageResult {
  const listing = reference('pages', page, writer);
  const segment = reference('segments', page, writer);
  const counters = { outcomes: { ...noOutcomes(), malicious: ITEMS }, bytes: 1, standIn: 0 };
  return { page, listing, items: ITEMS, segment, counters };
}

it('planning that runs far ahead of scanning waits before the state grows too large to be carried', () => {
  const bare = new Bare();
  let turns = 0;
  while (bare.plan()) {
    turns += 1;
    const commit = bare.job.takeCommit();
    if (commit !== undefined) bare.commit(commit);
    expect(turns).toBeLessThan(100_000);
  }
  expect(turns).toBeGreaterThan(500);
  expect(bare.bytes).toBeLessThan(MOST_BYTES);
  for (const task of bare.take()) bare.close(task);
  expect(bare.plan()).toBe(true);
});

it('scanning that runs far ahead of item actions waits for them, and both go on to an exact end', () => {
  const bare = new Bare();
  let pages = 0;
  let most = 0;
  let waits = 0;
  while (!bare.job.over) {
    if (!bare.job.state.listing.done && bare.plan(pages >= 3_000)) pages += 1;
    const tasks = bare.take();
    for (const task of tasks) bare.close(task);
    bare.planActions();
    if (tasks.length === 0) waits += 1;
    const acts = tasks.length === 0 ? 1_000 : 1;
    for (let i = 0; i < acts && bare.act(); i++);
    most = Math.max(most, pages % 100 === 0 || tasks.length === 0 ? bare.bytes : 0);
  }
  expect(waits).toBeGreaterThan(0);
  expect(most).toBeLessThan(MOST_BYTES);
  const last = bare.job.lastCommit(NOW);
  expect(bare.committed + last.pages.length).toBe(pages);
  expect(last.account).toMatchObject({ state: 'completed', listed: pages * ITEMS, actions: { done: pages * ITEMS } });
  expect(rowsOf(last.counters)).toBe(pages * ITEMS);
}, 60_000);
