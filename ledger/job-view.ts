import type { Counters } from '../domain/outcome.ts';
import { ActionIndex } from './action-index.ts';
import type { JobLedger } from './job-ledger.ts';
import { checkPage } from './names.ts';
import type { CommitBody, IntakeSpans, ObjectRef, PageEntry } from './types.ts';

/** A closed page that counts. */
export interface ClosedPage {
  readonly page: string;
  readonly lane: number;
  readonly number: number;
  readonly segment: ObjectRef;
  readonly counters: Counters;
  /** Of what a remote connector pushed: the intake pages that it has lines of. */
  readonly intake?: readonly IntakeSpans[];
}

/** What the committed chain of a job comes to, without any item or row: some hundred bytes a page. */
export interface JobView {
  /** Hash of the head it was made from; undefined before the first commit. */
  readonly head: string | undefined;
  /** Closed pages that count (of each lane only the last epoch), by lane and number. */
  readonly closed: readonly ClosedPage[];
  /** Items on all pages that count, closed or not. */
  readonly listed: number;
  /** Action segments, in the order of the commits. */
  readonly actions: readonly ObjectRef[];
}

/** What is kept of a job between calls, so that a running job costs only what is new. */
class Kept {
  readonly commits: string[] = [];
  readonly lanes = new Map<number, { epoch: number; pages: PageEntry[] }>();
  readonly results = new Map<string, ClosedPage>();
  readonly actions: ObjectRef[] = [];
  /** By page, of pages of what was pushed. */
  readonly intake = new Map<string, readonly IntakeSpans[]>();
  readonly index = new ActionIndex();
  view: JobView = { head: undefined, closed: [], listed: 0, actions: [] };
  /** Calls follow one another, so that each commit is taken in once. */
  queue: Promise<unknown> = Promise.resolve();
}

const jobs = new WeakMap<JobLedger, Kept>();

/** The job as its longest valid chain tells it now. @throws LedgerError `corrupt`, `not_found`, `not_readable`, `unavailable` */
export async function viewOf(job: JobLedger): Promise<JobView> {
  return refreshed(job, async (kept) => kept.view);
}

/** As `viewOf`, with the index of all action segments. */
export async function actionsOf(job: JobLedger): Promise<{ view: JobView; index: ActionIndex }> {
  return refreshed(job, async (kept) => {
    for (const ref of kept.actions.slice(kept.index.size)) kept.index.add(await job.readActions(ref));
    return { view: kept.view, index: kept.index };
  });
}

function refreshed<Result>(job: JobLedger, then: (kept: Kept) => Promise<Result>): Promise<Result> {
  const state = jobs.get(job) ?? new Kept();
  jobs.set(job, state);
  const turn = state.queue.then(async () => {
    const now = await refresh(job, state);
    return then(now);
  });
  state.queue = turn.catch(() => undefined);
  return turn;
}

async function refresh(job: JobLedger, kept: Kept): Promise<Kept> {
  const { links } = await job.chain();
  if (links.at(-1)?.hash === kept.view.head) return kept;
  // Another chain won (a workflow was reset): nothing that was taken in holds any more.
  if (kept.commits.some((hash, at) => links[at]?.hash !== hash)) {
    const fresh = new Kept();
    fresh.queue = kept.queue;
    jobs.set(job, fresh);
    return refresh(job, fresh);
  }
  for (const { number, hash } of links.slice(kept.commits.length)) {
    await take(job, kept, await job.readCommit(number, hash));
    kept.commits.push(hash);
  }
  kept.view = look(kept, links.at(-1)?.hash);
  return kept;
}

async function take(job: JobLedger, kept: Kept, body: CommitBody): Promise<void> {
  const indexes = [];
  for (const ref of body.indexes) indexes.push(await job.readIndex(ref));
  const results = body.pages.map((result): ClosedPage => {
    return { page: result.page, ...checkPage(result.page), segment: result.segment, counters: result.counters };
  });
  // From here on nothing fails: a commit is taken in whole or not at all.
  for (const index of indexes) {
    if (index.intake !== undefined) for (const { page } of index.pages) kept.intake.set(page, index.intake);
    const lane = kept.lanes.get(index.lane);
    if (lane === undefined || index.epoch > lane.epoch) {
      kept.lanes.set(index.lane, { epoch: index.epoch, pages: [...index.pages] });
    } else if (index.epoch === lane.epoch) {
      lane.pages.push(...index.pages);
    }
  }
  for (const result of results) kept.results.set(result.page, result);
  kept.actions.push(...body.actions.map((action) => action.segment));
}

function look(kept: Kept, head: string | undefined): JobView {
  const closed: ClosedPage[] = [];
  let listed = 0;
  for (const { pages } of kept.lanes.values()) {
    for (const { page, items } of pages) {
      listed += items;
      const result = kept.results.get(page);
      const intake = kept.intake.get(page);
      if (result !== undefined) closed.push(intake === undefined ? result : { ...result, intake });
    }
  }
  closed.sort((a, b) => a.lane - b.lane || a.number - b.number);
  return { head, closed, listed, actions: [...kept.actions] };
}
