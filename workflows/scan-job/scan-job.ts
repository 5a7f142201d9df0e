import type { AppliedActions, OpenedJob, PlannedActions, PlannedTurn, ScanPageResult } from '../../activities/types.ts';
import { addActions, noActions } from '../../domain/action.ts';
import type { JobProgress } from '../../domain/job.ts';
import { addCounters, noCounters } from '../../domain/outcome.ts';
import type { Share } from '../../domain/shares.ts';
import type { Account, CommitBody, ObjectRef, PageResult } from '../../ledger/types.ts';
import type { StartRequest } from '../messages.ts';
import { accountOf } from './account.ts';
import { actedEnough, plannedEnough, scannedEnough } from './bounds.ts';
import { Commits } from './commits.ts';
import * as limits from './limit-rules.ts';
import { Pages } from './pages.ts';
import { progressOf } from './progress.ts';
import * as retry from './retry-rules.ts';
import type { ActionBatch, PageTask, ScanJobState } from './state.ts';
import { SteeredJob } from './steered-job.ts';

/** Pages of the largest planning turn. */
const MAX_TURN_PAGES = 50;
/** Items of the first page; planning doubles it up to the configured size. */
const FIRST_PAGE_ITEMS = 500;
/** Findings that one action activity takes. */
const ACTION_BATCH = 25;
/** Action activities in flight at once. */
const ACTION_WINDOW = 4;

/**
 * The rules of a scan job: what is to be done next, and what each result changes. Deterministic, knows nothing of Temporal.
 * What is in flight is known here only as numbers and tasks; the driver owns the activities.
 */
export class ScanJob extends SteeredJob {
  readonly #pages: Pages;
  readonly #commits: Commits;
  #planning = false;
  #planningActions = 0;
  #applying = 0;
  #draining = false;
  #account: Account | undefined;
  /** Set by the driver while a probe may ask the scanner. */
  probing = false;

  constructor(state: ScanJobState) {
    super(state);
    this.#pages = new Pages(state);
    this.#commits = new Commits(state);
  }

  static begin(request: StartRequest, now: string): ScanJob {
    return new ScanJob({
      request,
      startedAt: now,
      control: 'running',
      ...limits.limitsAtStart(request, now),
      revision: 0,
      listing: { nextPage: 0, turnPages: 1, pageItems: FIRST_PAGE_ITEMS, done: false },
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
      toApply: [],
      nextBatch: 0,
      actions: noActions(),
      unresolved: 0,
      uncommitted: { indexes: [], pages: [], actions: [] },
      committed: noCounters(),
    });
  }

  /** Stops dispatching, so that the run can continue as new. */
  drain(): void {
    this.#draining = true;
  }

  // ---- what to do next --------------------------------------------------------------------------------------------

  /** Work may begin: the storage was opened, and nothing stands against it. */
  get #working(): boolean {
    return this.state.opened !== undefined && this.mayOpen && this.state.hold?.stops !== true;
  }

  /** The storage may be opened. */
  get mayOpen(): boolean {
    return !this.mustStop && !this.#draining && limits.isInsideHours(this.state);
  }

  /** Something of the job may ask the scanner for a verdict: a page in flight, or a probe. */
  get mayScan(): boolean {
    return this.#pages.inFlight > 0 || this.probing;
  }

  /** No activity of the job's work is in flight. */
  get quiet(): boolean {
    return (
      this.#pages.inFlight === 0 &&
      !this.#planning &&
      this.#planningActions === 0 &&
      this.#applying === 0 &&
      !this.#commits.writing
    );
  }

  /** The job is over but for its last commit: nothing is in flight, and nothing more will be begun. */
  get over(): boolean {
    if (!this.quiet) return false;
    if (this.state.failure !== undefined || this.state.control === 'cancelling') return true;
    return (
      this.state.listing.done &&
      this.#pages.waiting === 0 &&
      this.state.toPlan.length === 0 &&
      this.state.toApply.length === 0
    );
  }

  /** A planning turn that is due, or undefined. The driver must report it `planned` or `planFailed`. */
  takePlanning(): { after?: ObjectRef; firstPage: number; pages: number; pageItems: number } | undefined {
    const { listing } = this.state;
    if (!this.#working || this.#planning || listing.done || plannedEnough(this.state)) return undefined;
    this.#planning = true;
    return {
      ...(listing.after !== undefined && { after: listing.after }),
      firstPage: listing.nextPage,
      pages: listing.turnPages,
      pageItems: listing.pageItems,
    };
  }

  /** The next page to scan while a share of the limits is free, or undefined. Report it `scanned` or `pageLost`. */
  takePage(): PageTask | undefined {
    if (!this.#working || scannedEnough(this.state)) return undefined;
    const task = this.#pages.take();
    // Which pages are in flight is told, too; it is no news to act on.
    if (task !== undefined) this.state.revision += 1;
    return task;
  }

  /** What a page in flight may use of the job's limits. */
  shareOf(page: string): Share {
    return this.#pages.shareOf(page);
  }

  /** Pages in flight that must come back: all while the job must stop (or `all`), else those whose share is another by now. */
  takePagesToStop(all: boolean): string[] {
    return all || this.mustStop ? this.#pages.takeAll() : this.#pages.takeMisfits();
  }

  /** A closed page whose actions are to be planned. Report it `actionsPlanned` or `actionsNotPlanned`. */
  takeActionPlan(): PageResult | undefined {
    if (!this.#working || this.#planningActions >= ACTION_WINDOW || actedEnough(this.state)) return undefined;
    const page = this.state.toPlan.shift();
    if (page !== undefined) this.#planningActions += 1;
    return page;
  }

  /** Intents to carry out. Report them `applied` or `notApplied`. */
  takeActions(): { intents: ObjectRef; from: number; to: number; rescanPage: number } | undefined {
    const batch = this.state.toApply[0];
    if (!this.#working || batch === undefined || this.#applying >= ACTION_WINDOW) return undefined;
    if (actedEnough(this.state)) return undefined;
    const from = batch.next;
    const to = Math.min(from + ACTION_BATCH, batch.end);
    batch.next = to;
    if (to >= batch.end) this.state.toApply.shift();
    this.#applying += 1;
    return { intents: batch.intents, from, to, rescanPage: this.state.nextBatch++ };
  }

  /** A commit that is due: after so many results, and whenever the job comes to rest. Report it `committed` or `notCommitted`. */
  takeCommit(): CommitBody | undefined {
    return this.#commits.take(this.#restsNow());
  }

  #restsNow(): boolean {
    if (!this.quiet) return false;
    return this.state.control === 'paused' || this.#draining || limits.isOutsideHours(this.state);
  }

  /** The last commit, with the account. Take it when the job is `over` and no page is left unsealed. */
  lastCommit(now: string): CommitBody {
    this.state.account ??= accountOf(this.state, now);
    return this.#commits.body(this.state.account);
  }

  /** Nothing is left to be committed before a new run, or it can't be. */
  get committedSoFar(): boolean {
    return this.#commits.soFar;
  }

  /** Pages of a job that is over, begun and not finished: their rows so far are to be sealed. */
  takeUnsealed(): PageTask | undefined {
    return this.#pages.takeUnsealed();
  }

  // ---- what has happened ------------------------------------------------------------------------------------------

  begun(header: ObjectRef): void {
    this.state.header = header;
  }

  opened(opened: OpenedJob): void {
    this.state.opened = opened;
    this.changed();
  }

  planned(turn: PlannedTurn): void {
    const { listing } = this.state;
    this.#planning = false;
    this.#progressed();
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
    retry.selected(this.state, turn);
    this.state.outside += turn.outside;
    this.state.folderGaps += turn.gaps;
    if (turn.broken !== undefined) this.state.broken = turn.broken;
    this.changed();
  }

  planFailed(): void {
    this.#planning = false;
    this.changed();
  }

  #listed(pages: number, items: number, bytes: number): void {
    this.state.pagesListed += pages;
    this.state.listed += items;
    this.state.listedBytes += bytes;
  }

  /** A page came back, closed or not. */
  scanned(task: PageTask, result: ScanPageResult): void {
    this.#pages.landed(task.page);
    if (result.end === 'closed') this.close(result.result);
    else this.#pages.handBack({ ...task, checkpoint: result.checkpoint });
    if (result.end === 'open' && result.checkpoint.parts > (task.checkpoint?.parts ?? 0)) this.#progressed();
    this.changed();
  }

  /** A page's activity ended without a result: it goes on from the checkpoint that is known. */
  pageLost(task: PageTask): void {
    this.#pages.landed(task.page);
    this.#pages.handBack(task);
    this.changed();
  }

  /** Work was done: what held the job before has nothing to do with what may hold it now. */
  #progressed(): void {
    delete this.state.strikes;
  }

  close(page: PageResult): void {
    this.#progressed();
    this.state.pagesClosed += 1;
    this.state.closed = addCounters(this.state.closed, page.counters);
    retry.replaced(this.state, page);
    this.state.uncommitted.pages.push(page);
    const { action } = this.state.request.settings;
    if (page.counters.outcomes.malicious > 0 && action !== 'nothing') this.state.toPlan.push(page);
    this.changed();
  }

  actionsPlanned(plan: PlannedActions): void {
    this.#planningActions -= 1;
    if (plan.rows !== undefined) {
      this.state.uncommitted.actions.push(plan.rows);
      this.state.actions = addActions(this.state.actions, plan.rows.counts);
    }
    if (plan.intents !== undefined) this.state.toApply.push({ intents: plan.intents, next: 0, end: plan.count });
    this.changed();
  }

  actionsNotPlanned(page: PageResult): void {
    this.#planningActions -= 1;
    this.state.toPlan.unshift(page);
    this.changed();
  }

  applied(done: AppliedActions, rescanPage: number): void {
    this.#applying -= 1;
    this.#progressed();
    this.state.uncommitted.actions.push(done.result);
    this.state.actions = addActions(this.state.actions, done.result.counts);
    this.state.unresolved += done.unresolved;
    if (done.rescan !== undefined) {
      const { index, items, bytes } = done.rescan;
      this.state.uncommitted.indexes.push(index);
      this.state.ranges.unshift({ index, lane: 1, next: rescanPage, end: rescanPage + 1 });
      this.#listed(1, items, bytes);
    }
    this.changed();
  }

  notApplied(intents: ObjectRef, from: number, to: number): void {
    this.#applying -= 1;
    const again: ActionBatch = { intents, next: from, end: to };
    this.state.toApply.unshift(again);
    this.changed();
  }

  committed(body: CommitBody, commit: ObjectRef): void {
    this.#commits.written(body, commit);
    this.changed();
  }

  notCommitted(): void {
    this.#commits.refused();
    this.changed();
  }

  // ---- what it says -----------------------------------------------------------------------------------------------

  /** The last commit is written: from now on the job is what its account says. */
  end(account: Account): void {
    this.#account = account;
    this.changed();
  }

  progress(): JobProgress {
    return progressOf(this.state, this.#pages.ids, this.#account);
  }
}
