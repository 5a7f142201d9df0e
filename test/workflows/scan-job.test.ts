import { describe, expect, it } from 'vitest';
import type { PlannedTurn, ScanPageResult } from '../../activities/types.ts';
import { noActions } from '../../domain/action.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { noCounters, noOutcomes } from '../../domain/outcome.ts';
import type { PageResult } from '../../ledger/types.ts';
import type { StartRequest } from '../../workflows/messages.ts';
import type { ActionTask } from '../../workflows/scan-job/actions.ts';
import { ScanJob } from '../../workflows/scan-job/scan-job.ts';
import type { PageTask } from '../../workflows/scan-job/state.ts';

const NOW = '2026-11-23T00:00:00.000Z';
const settings: ScanSettings = { filter: '', action: 'move', dryRun: false, scanner: 'dsxa' };
const request: StartRequest = {
  job: 'job-1',
  kind: 'full',
  source: { kind: 'folder', id: 'folder-1', path: '/data' },
  settings,
  actor: 'test',
};
const ref = (name: string) => ({ name, hash: name });
const turn = (pages: number, done: boolean): PlannedTurn => ({
  index: ref(`index-${pages}-${done}`),
  pages,
  items: pages * 10,
  bytes: pages * 100,
  outside: 0,
  gaps: 0,
  pageItems: 1000,
  done,
});
const result = (
  page: string,
  changes: Partial<Record<'clean' | 'malicious' | 'failed', number>> = { clean: 10 },
): PageResult => ({
  page,
  listing: ref(`listing-${page}`),
  items: 10,
  segment: ref(`segment-${page}`),
  counters: { outcomes: { ...noOutcomes(), ...changes }, bytes: 100, standIn: 0 },
});
const closed = (page: string, changes?: Parameters<typeof result>[1]): ScanPageResult => ({
  end: 'closed',
  result: result(page, changes),
});

function begun(changes: Partial<StartRequest> = {}): ScanJob {
  const job = ScanJob.begin({ ...request, ...changes }, NOW);
  job.begun(ref('header'));
  job.opened({ fingerprint: 'disk-1' });
  return job;
}
function take(job: ScanJob): PageTask[] {
  const tasks: PageTask[] = [];
  for (let task = job.takePage(); task !== undefined; task = job.takePage()) tasks.push(task);
  return tasks;
}

describe('a scan job', () => {
  it('plans in growing turns, one at a time, until the listing is done', () => {
    const job = begun();
    const sizes: number[] = [];
    for (let i = 0; i < 8; i++) {
      const planning = job.takePlanning();
      expect(job.takePlanning()).toBeUndefined();
      sizes.push(planning?.pages ?? -1);
      job.planned(turn(planning?.pages ?? 0, i === 7));
    }
    expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 50, 50]);
    expect(job.takePlanning()).toBeUndefined();
  });

  it('keeps no more pages in flight than the window, in the order of the listing, handed-back ones first', () => {
    const job = begun({ window: 2 });
    job.takePlanning();
    job.planned(turn(4, true));
    const first = take(job);
    expect(first.map((t) => t.page)).toEqual(['0-0', '0-1']);
    const checkpoint = { v: 1 as const, done: '', hands: [], counters: noCounters(), parts: 1, part: 'p' };
    job.scanned(first[1] as PageTask, { end: 'open', checkpoint, why: 'turn' });
    expect(take(job)).toEqual([{ page: '0-1', index: ref('index-4-true'), checkpoint }]);
    job.scanned(first[0] as PageTask, closed('0-0'));
    expect(take(job).map((t) => t.page)).toEqual(['0-2']);
  });

  it('is over when everything listed is closed and acted on, and its account balances', () => {
    const job = begun();
    job.takePlanning();
    job.planned(turn(1, true));
    const [task] = take(job);
    job.scanned(task as PageTask, closed('0-0', { clean: 9, malicious: 1 }));
    expect(job.over).toBe(false);
    const page = job.actions.takePlan();
    expect(page?.page).toBe('0-0');
    job.actions.planned({ count: 1, intents: ref('intents') }, { page: '0-0' });
    const batch = job.actions.take();
    expect(batch).toEqual({ intents: ref('intents'), from: 0, to: 1, rescanPage: 0, ask: false, page: '0-0' });
    expect(job.over).toBe(false);
    const done = { result: { segment: ref('a'), counts: { ...noActions(), done: 1 } }, unresolved: 0 };
    job.actions.applied(done, batch as ActionTask);
    expect(job.over).toBe(true);
    const body = job.lastCommit(NOW);
    expect(body.previous).toBe('header');
    expect(body.account).toMatchObject({ state: 'completed', listed: 10, actions: { done: 1 }, gaps: [] });
    expect(body.counters).toEqual(body.account?.counters);
  });

  it('scans again what an action found changed, as one more listed item', () => {
    const job = begun();
    job.takePlanning();
    job.planned(turn(1, true));
    job.scanned(take(job)[0] as PageTask, closed('0-0', { malicious: 10 }));
    job.actions.takePlan();
    job.actions.planned({ count: 10, intents: ref('intents') }, { page: '0-0' });
    const batch = job.actions.take();
    const counts = { ...noActions(), done: 9, refused: 1 };
    job.actions.applied(
      { result: { segment: ref('a'), counts }, unresolved: 0, rescan: { index: ref('again'), items: 1, bytes: 5 } },
      batch as ActionTask,
    );
    expect(take(job)).toEqual([{ page: '1-0', index: ref('again') }]);
    expect(job.state.listed).toBe(11);
    job.scanned({ page: '1-0', index: ref('again') }, closed('1-0', { clean: 1 }));
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW).account?.state).toBe('completed');
  });

  it('says gaps: failed, unscannable, unreadable folders, broken listings, actions left undone', () => {
    const job = begun();
    job.takePlanning();
    job.planned({ ...turn(1, true), gaps: 2, broken: { code: 'storage_error', message: 'EIO' } });
    job.scanned(take(job)[0] as PageTask, closed('0-0', { clean: 8, failed: 1, malicious: 1 }));
    job.actions.takePlan();
    job.actions.planned({ count: 1, intents: ref('i') }, { page: '0-0' });
    const batch = job.actions.take();
    const done = { result: { segment: ref('a'), counts: { ...noActions(), failed: 1 } }, unresolved: 1 };
    job.actions.applied(done, batch as ActionTask);
    const account = job.lastCommit(NOW).account;
    expect(account?.state).toBe('completed_with_gaps');
    expect(account?.gaps.map((g) => [g.class, g.count])).toEqual([
      ['failed', 1],
      ['folder_unreadable', 2],
      ['listing_broken', 1],
      ['action_failed', 1],
    ]);
  });

  it('says so when nothing is listed, or elsewhere, where the last scan found items', () => {
    const job = ScanJob.begin(request, NOW);
    job.begun(ref('header'));
    job.opened({ fingerprint: 'disk-2', previous: { job: 'job-0', listed: 7, fingerprint: 'disk-1' } });
    job.takePlanning();
    job.planned({ ...turn(0, true) });
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW).account?.gaps.map((g) => g.class)).toEqual(['empty_asset', 'other_device']);
  });

  it('pauses, resumes and cancels once each, whatever is repeated', () => {
    const job = begun();
    const by = { job: 'job-1', actor: 'ann' };
    job.pause({ ...by, reason: 'lunch' }, NOW);
    const revision = job.state.revision;
    job.pause({ job: 'job-1', actor: 'bob' }, NOW);
    expect(job.state.revision).toBe(revision);
    expect(job.progress().idle).toEqual({ why: 'paused', by: 'ann', reason: 'lunch', since: NOW });
    expect(job.takePlanning()).toBeUndefined();
    job.resume(NOW);
    expect(job.takePlanning()).toBeDefined();
    job.cancel(by, NOW);
    job.pause(by, NOW);
    expect(job.progress().state).toBe('cancelling');
  });

  it('counts the rows of pages handed back, and seals them when it was cancelled', () => {
    const job = begun();
    job.takePlanning();
    job.planned(turn(2, true));
    const [task] = take(job);
    const counters = { outcomes: { ...noOutcomes(), clean: 4 }, bytes: 40, standIn: 0 };
    const checkpoint = { v: 1 as const, done: '', hands: [], counters, parts: 1, part: 'p' };
    job.cancel({ job: 'job-1', actor: 'ann' }, NOW);
    job.scanned(task as PageTask, { end: 'open', checkpoint, why: 'cancelled' });
    job.pageLost({ page: '0-1', index: ref('index-2-true') });
    expect(job.progress().counters).toEqual(counters);
    expect(job.over).toBe(true);
    expect(job.unsealed).toEqual({ ...task, checkpoint });
    expect(job.progress().counters).toEqual(counters);
    job.sealed({ ...result('0-0'), counters, partial: true });
    expect(job.unsealed).toBeUndefined();
    expect(job.progress().counters).toEqual(counters);
    expect(job.lastCommit(NOW).account).toMatchObject({ state: 'cancelled', listed: 20, counters });
  });

  it('is held only when a probe fails too, and goes on when one succeeds', () => {
    const job = begun();
    job.suspect('scanner_unreachable', 'refused', NOW, false);
    expect(job.progress().state).toBe('running');
    job.stillHeld('scanner_unreachable', 'refused');
    expect(job.progress()).toMatchObject({
      state: 'held',
      idle: { why: 'held', reason: 'scanner_unreachable: refused' },
    });
    job.pause({ job: 'job-1', actor: 'ann' }, NOW);
    expect(job.progress().state).toBe('paused');
    job.resume(NOW);
    expect(job.progress().state).toBe('held');
    job.release();
    expect(job.progress().state).toBe('running');
  });

  it('commits after a hundred pages, before a pause and before it continues as new, and carries the rest', () => {
    const job = begun({ window: 200 });
    job.takePlanning();
    job.planned(turn(101, true));
    const tasks = take(job);
    for (const task of tasks.slice(0, 99)) job.scanned(task, closed(task.page));
    expect(job.takeCommit()).toBeUndefined();
    job.scanned(tasks[99] as PageTask, closed('0-99'));
    const body = job.takeCommit();
    expect(body?.pages.length).toBe(100);
    job.scanned(tasks[100] as PageTask, closed('0-100'));
    job.committed(body as NonNullable<typeof body>, ref('commit-1'));
    expect(job.state.uncommitted.pages.map((p) => p.page)).toEqual(['0-100']);
    job.pause({ job: 'job-1', actor: 'ann' }, NOW);
    const second = job.takeCommit();
    expect(second).toMatchObject({ number: 2, previous: 'commit-1' });
    expect(second?.counters.outcomes.clean).toBe(1010);
  });

  it('goes on from its carried state as if nothing had happened', () => {
    const job = begun({ window: 1 });
    job.takePlanning();
    job.planned(turn(3, true));
    const [task] = take(job);
    job.scanned(task as PageTask, closed('0-0'));
    const next = new ScanJob(JSON.parse(JSON.stringify(job.state)));
    expect(take(next).map((t) => t.page)).toEqual(['0-1']);
    expect(next.progress().listed).toBe(30);
  });

  it('fails with a word, and takes no more work', () => {
    const job = begun();
    job.fail('unreachable', 'no such folder');
    expect(job.takePlanning()).toBeUndefined();
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW).account).toMatchObject({ state: 'failed', failure: { code: 'unreachable' } });
  });
});
