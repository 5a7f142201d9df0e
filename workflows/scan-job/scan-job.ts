import type { AppliedActions, OpenedJob, PlannedTurn, ScanPageResult } from '../../activities/types.ts';
import { noActions } from '../../domain/action.ts';
import { pageId } from '../../domain/item.ts';
import type { JobProgress } from '../../domain/job.ts';
import { addCounters, noCounters } from '../../domain/outcome.ts';
import type { Account, CommitBody, ObjectRef, PageResult } from '../../ledger/types.ts';
import type { ControlRequest, StartRequest } from '../messages.ts';
import { accountOf } from './account.ts';
import { JobActions } from './actions.ts';
import * as control from './control-rules.ts';
import { progressOf } from './progress.ts';
import type { PageTask, ScanJobState } from './state.ts';

/** Pages in flight at once, where the start does not say. */
const WINDOW = 4;
/** Pages of the largest planning turn. */
const MAX_TURN_PAGES = 50;
/** Items of the first page; planning doubles it up to the configured size. */
const FIRST_PAGE_ITEMS = 500;
/** Page results after which a commit is due. */
const COMMIT_EVERY = 100;

/**
 * The rules of a scan job: what is to be done next, and what each result changes. Deterministic, knows nothing of Temporal.
 * What is in flight is known here only as numbers and tasks; the driver owns the activities.
 */
export class ScanJob {
  readonly state: ScanJobState;
  readonly actions: JobActions;
  /** Pages in flight, by page id. */
  readonly #pages = new Map<string, PageTask>();
  #planning = false;
  #committing = false;
  #draining = false;
  #account: Account | undefined;
  /** Set by every change; the driver clears it. */
  news = true;

  constructor(state: ScanJobState) {
    this.state = state;
    this.actions = new JobActions(state, {
      working: () => this.#working,
      changed: () => this.#changed(),
      relist: (listing, page) => this.#relist(listing, page),
    });
  }

  static begin(request: StartRequest, now: string): ScanJob {
    return new ScanJob({
      request,
      startedAt: now,
      control: 'running',
      revision: 0,
      listing: { nextPage: 0, turnPages: 1, pageItems: FIRST_PAGE_ITEMS, done: request.kind === 'apply' },
      listed: 0,
      listedBytes: 0,
      outside: 0,
      pagesListed: 0,
      pagesClosed: 0,
      folderGaps: 0,
      ranges: [],
      returned: [],
      closed: noCounters(),
      toPlan: [],
      ...(request.kind === 'apply' && { toGather: true }),
      toApply: [],
      nextBatch: 0,
      actions: noActions(),
      unresolved: 0,
      uncommitted: { indexes: [], pages: [], actions: [] },
      committed: noCounters(),
    });
  }

  get id(): string {
    return this.state.request.job;
  }

  // ---- control ----------------------------------------------------------------------------------------------------

  pause(request: ControlRequest, now: string): void {
    if (control.pause(this.state, request, now)) this.#changed();
  }

  resume(now: string): void {
    if (control.resume(this.state, now)) this.#changed();
  }

  cancel(request: ControlRequest, now: string): void {
    if (control.cancel(this.state, request, now)) this.#changed();
  }

  /** Nothing goes on until somebody mends it, or a probe finds it mended. */
  hold(code: string, detail: string, now: string): void {
    if (control.hold(this.state, code, detail, now)) this.#changed();
  }

  /** Something may stand in the way: a probe decides whether the job is held (`stillHeld`) or not (`release`). */
  suspect(code: string, detail: string, now: string): void {
    if (control.suspect(this.state, code, detail, now)) this.#changed();
  }

  /** A probe failed again. */
  stillHeld(code: string, detail: string): void {
    if (control.stillHeld(this.state, code, detail)) this.#changed();
  }

  /** The cause is gone. */
  release(): void {
    if (control.release(this.state)) this.#changed();
  }

  /** The job can't go on at all: what it did is accounted for. */
  fail(code: string, message: string): void {
    this.state.failure ??= { code, message };
    this.#changed();
  }

  /** Stops dispatching, so that the run can continue as new. */
  drain(): void {
    this.#draining = true;
  }

  // ---- what to do next --------------------------------------------------------------------------------------------

  get #working(): boolean {
    return this.state.control === 'running' && this.state.failure === undefined && !this.#draining;
  }

  /** True while pages must not run: paused, held, cancelling, failed. */
  get mustStop(): boolean {
    return this.state.control !== 'running' || this.state.failure !== undefined;
  }

  get pagesInFlight(): number {
    return this.#pages.size;
  }

  /** No activity of the job's work is in flight. */
  get quiet(): boolean {
    return this.#pages.size === 0 && !this.#planning && this.actions.quiet && !this.#committing;
  }

  /** The job is over but for its last commit: nothing is in flight, and nothing more will be begun. */
  get over(): boolean {
    if (!this.quiet) return false;
    if (this.state.failure !== undefined || this.state.control === 'cancelling') return true;
    return this.state.listing.done && !this.#pagesLeft && this.actions.done;
  }

  get #pagesLeft(): boolean {
    return this.state.returned.length > 0 || this.state.ranges.length > 0;
  }

  /** A planning turn that is due, or undefined. The driver must report it `planned` or `planFailed`. */
  takePlanning(): { after?: ObjectRef; firstPage: number; pages: number; pageItems: number } | undefined {
    const { listing } = this.state;
    if (!this.#working || this.#planning || listing.done) return undefined;
    this.#planning = true;
    return {
      ...(listing.after !== undefined && { after: listing.after }),
      firstPage: listing.nextPage,
      pages: listing.turnPages,
      pageItems: listing.pageItems,
    };
  }

  /** The next page to scan while the window has room, or undefined. Report it `scanned`, `returned` or `pageLost`. */
  takePage(): PageTask | undefined {
    if (!this.#working || this.#pages.size >= (this.state.request.window ?? WINDOW)) return undefined;
    const task = this.state.returned.shift() ?? this.#nextListed();
    if (task !== undefined) this.#pages.set(task.page, task);
    return task;
  }

  #nextListed(): PageTask | undefined {
    const range = this.state.ranges[0];
    if (range === undefined) return undefined;
    const task = { page: pageId(range.lane, range.next), index: range.index };
    range.next += 1;
    if (range.next >= range.end) this.state.ranges.shift();
    return task;
  }

  /** A commit that is due: after so many pages, and whenever the job comes to rest. Report it `committed` or `notCommitted`. */
  takeCommit(): CommitBody | undefined {
    if (this.#committing || this.state.header === undefined) return undefined;
    const { indexes, pages, actions } = this.state.uncommitted;
    const resting = this.#restsNow() && indexes.length + pages.length + actions.length > 0;
    if (pages.length < COMMIT_EVERY && !resting) return undefined;
    this.#committing = true;
    return this.#body();
  }

  #restsNow(): boolean {
    return this.quiet && (this.state.control === 'paused' || this.#draining);
  }

  #body(account?: Account): CommitBody {
    const { indexes, pages, actions } = this.state.uncommitted;
    const previous = this.state.commit?.hash ?? this.state.header?.hash ?? '';
    return {
      format: 1,
      job: this.id,
      number: (this.state.commit?.number ?? 0) + 1,
      previous,
      indexes: [...indexes],
      pages: [...pages],
      actions: [...actions],
      counters: pages.reduce((sum, page) => addCounters(sum, page.counters), this.state.committed),
      ...(account !== undefined && { account }),
    };
  }

  /** The last commit, with the account. Take it when the job is `over` and no page is left unsealed. */
  lastCommit(now: string): CommitBody {
    return this.#body(accountOf(this.state, now));
  }

  /** Pages of a job that is over, begun and not finished: their rows so far are to be sealed. */
  takeUnsealed(): PageTask | undefined {
    const at = this.state.returned.findIndex((task) => (task.checkpoint?.parts ?? 0) > 0);
    return at < 0 ? undefined : this.state.returned.splice(at, 1)[0];
  }

  // ---- what has happened ------------------------------------------------------------------------------------------

  begun(header: ObjectRef): void {
    this.state.header = header;
  }

  opened(opened: OpenedJob): void {
    this.state.opened = opened;
    this.#changed();
  }

  planned(turn: PlannedTurn): void {
    const { listing } = this.state;
    this.#planning = false;
    this.state.uncommitted.indexes.push(turn.index);
    if (turn.pages > 0) {
      const end = listing.nextPage + turn.pages;
      this.state.ranges.push({ index: turn.index, lane: 0, next: listing.nextPage, end });
      listing.nextPage = end;
    }
    listing.after = turn.index;
    listing.turnPages = Math.min(listing.turnPages * 2, MAX_TURN_PAGES);
    listing.pageItems = turn.pageItems;
    listing.done = turn.done;
    this.#listed(turn.pages, turn.items, turn.bytes);
    this.state.outside += turn.outside;
    this.state.folderGaps += turn.gaps;
    if (turn.broken !== undefined) this.state.broken = turn.broken;
    this.#changed();
  }

  planFailed(): void {
    this.#planning = false;
    this.#changed();
  }

  #listed(pages: number, items: number, bytes: number): void {
    this.state.pagesListed += pages;
    this.state.listed += items;
    this.state.listedBytes += bytes;
  }

  /** A page came back, closed or not. */
  scanned(task: PageTask, result: ScanPageResult): void {
    this.#pages.delete(task.page);
    if (result.end === 'closed') this.close(result.result);
    else this.state.returned.unshift({ ...task, checkpoint: result.checkpoint });
    this.#changed();
  }

  /** A page's activity ended without a result: it goes on from the checkpoint that is known. */
  pageLost(task: PageTask): void {
    this.#pages.delete(task.page);
    this.state.returned.unshift(task);
    this.#changed();
  }

  close(page: PageResult): void {
    this.state.pagesClosed += 1;
    this.state.closed = addCounters(this.state.closed, page.counters);
    this.state.uncommitted.pages.push(page);
    this.actions.found(page);
    this.#changed();
  }

  #relist({ index, items, bytes }: NonNullable<AppliedActions['rescan']>, page: number): void {
    this.state.uncommitted.indexes.push(index);
    this.state.ranges.unshift({ index, lane: 1, next: page, end: page + 1 });
    this.#listed(1, items, bytes);
  }

  committed(body: CommitBody, commit: ObjectRef): void {
    this.#committing = false;
    const { uncommitted } = this.state;
    this.state.uncommitted = {
      indexes: uncommitted.indexes.slice(body.indexes.length),
      pages: uncommitted.pages.slice(body.pages.length),
      actions: uncommitted.actions.slice(body.actions.length),
    };
    this.state.committed = body.counters;
    this.state.commit = { number: body.number, hash: commit.hash };
    this.#changed();
  }

  notCommitted(): void {
    this.#committing = false;
    this.#changed();
  }

  #changed(): void {
    this.state.revision += 1;
    this.news = true;
  }

  // ---- what it says -----------------------------------------------------------------------------------------------

  /** The last commit is written: from now on the job is what its account says. */
  end(account: Account): void {
    this.#account = account;
    this.#changed();
  }

  progress(): JobProgress {
    return progressOf(this.state, [...this.#pages.keys()], this.#account);
  }
}
