import type { AppliedActions, OpenedJob, PlannedTurn, ScanPageResult } from '../../activities/types.ts';
import { noActions } from '../../domain/action.ts';
import { addIncremental } from '../../domain/incremental.ts';
import { pageId } from '../../domain/item.ts';
import type { JobProgress } from '../../domain/job.ts';
import { addCounters, noCounters } from '../../domain/outcome.ts';
import type { Share } from '../../domain/shares.ts';
import type { Account, CommitBody, ObjectRef, PageResult } from '../../ledger/types.ts';
import type { StartRequest } from '../messages.ts';
import { accountOf } from './account.ts';
import { JobActions } from './actions.ts';
import { plannedEnough, scannedEnough } from './bounds.ts';
import { Commits } from './commits.ts';
import * as limits from './limit-rules.ts';
import { Pages } from './pages.ts';
import { progressOf } from './progress.ts';
import * as retry from './retry-rules.ts';
import type { PageTask, ScanJobState } from './state.ts';
import { SteeredJob } from './steered-job.ts';
import type { Supply, SupplyTurn } from './supply.ts';

/** What a planning turn is told. `supplied`: what it lists instead of the storage. */
export interface PlanningTurn {
  readonly after?: ObjectRef;
  readonly firstPage: number;
  readonly pages: number;
  readonly pageItems: number;
  readonly supplied?: SupplyTurn;
}

/** Pages of the largest planning turn. */
const MAX_TURN_PAGES = 50;
/** Items of the first page; planning doubles it up to the configured size. */
const FIRST_PAGE_ITEMS = 500;

/**
 * The rules of a scan job: what is to be done next, and what each result changes. Deterministic, knows nothing of Temporal.
 * What is in flight is known here only as numbers and tasks; the driver owns the activities.
 */
export class ScanJob extends SteeredJob {
  readonly actions: JobActions;
  readonly #pages: Pages;
  readonly #commits: Commits;
  readonly #supply: Supply | undefined;
  #planning = false;
  #draining = false;
  #account: Account | undefined;
  /** Set by the driver while a probe may ask the scanner. */
  probing = false;

  /** @param supply what is scanned instead of a listing */
  constructor(state: ScanJobState, supply?: Supply) {
    super(state);
    this.#supply = supply;
    this.#pages = new Pages(state);
    this.#commits = new Commits(state);
    this.actions = new JobActions(state, {
      working: () => this.#working,
      changed: () => this.changed(),
      progressed: () => this.#progressed(),
      relist: (listing, page, of) => this.#relist(listing, page, of),
      settled: (page) => this.#supply?.closed(page),
    });
  }

  static begin(request: StartRequest, now: string, supply?: Supply): ScanJob {
    const state: ScanJobState = {
      request,
      startedAt: now,
      control: 'running',
      ...limits.limitsAtStart(request, now),
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
    };
    return new ScanJob(state, supply);
  }

  /** Stops dispatching, so that the run can continue as new. */
  drain(): void {
    this.#draining = true;
  }

  // ---- what to do next --------------------------------------------------------------------------------------------

  /** Work may begin: the storage was opened, and nothing stands against it. */
  get #working(): boolean {
    return (this.state.opened !== undefined || this.#rejects) && this.mayOpen && this.state.hold?.stops !== true;
  }

  /** What was rejected touches no storage. */
  get #rejects(): boolean {
    return this.state.request.order?.why === 'rejected';
  }

  /** The storage is to be opened before anything else. */
  get mustOpen(): boolean {
    return this.state.opened === undefined && !this.#rejects && this.mayOpen;
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
    const working = this.#pages.inFlight > 0 || this.#planning || this.#commits.writing;
    return !working && this.actions.quiet && (this.#supply?.quiet ?? true);
  }

  /** The job is over but for its last commit: nothing is in flight, and nothing more will be begun. */
  get over(): boolean {
    if (!this.quiet) return false;
    if (this.state.failure !== undefined || this.state.control === 'cancelling') return true;
    return this.state.listing.done && this.#pages.waiting === 0 && this.actions.done;
  }

  /** A planning turn that is due, or undefined. The driver must report it `planned` or `planFailed`. */
  takePlanning(): PlanningTurn | undefined {
    const { listing } = this.state;
    if (!this.#working || this.#planning || listing.done || plannedEnough(this.state)) return undefined;
    const supplied = this.#supply?.take(this.state, this.#pages.waiting + this.#pages.inFlight);
    if (this.#supply !== undefined && supplied === undefined) return undefined;
    this.#planning = true;
    return {
      ...(supplied !== undefined && { supplied }),
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

  /** A commit that is due: after so many results, and whenever the job comes to rest. Report it `committed` or `notCommitted`. */
  takeCommit(): CommitBody | undefined {
    return this.#commits.take(this.#restsNow());
  }

  /**
   * What it has found must be committed by time: it goes on for a day, and findings go out, and sweeps compare, by what is committed.
   */
  get commitsByTime(): boolean {
    return this.#supply !== undefined && this.#commits.waits;
  }

  commitIsDue(): void {
    this.#commits.hasten();
    this.news = true;
  }

  #restsNow(): boolean {
    if (!this.quiet) return false;
    return this.state.control === 'paused' || this.#draining || limits.isOutsideHours(this.state);
  }

  /** The last commit, with the account. Take it when the job is `over` and no page is left unsealed. */
  lastCommit(now: string): CommitBody {
    if (this.state.account === undefined) {
      if (this.state.control === 'cancelling') this.dropped(this.#supply?.drop() ?? 0);
      this.state.account = accountOf(this.state, now);
    }
    return this.#commits.body(this.state.account);
  }

  /** Nothing is left to be committed before a new run, or it can't be. */
  get committedSoFar(): boolean {
    return this.#commits.soFar;
  }

  /** A page of a job that is over, begun and not finished: its rows so far are to be sealed. Report it `sealed`. */
  get unsealed(): PageTask | undefined {
    return this.#pages.unsealed;
  }

  /** Its rows count on without a break: they were those of a page that waits, and are those of a closed one. */
  sealed(page: PageResult): void {
    this.#pages.sealed(page.page);
    this.close(page);
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
    this.#supply?.planned(turn.pages > 0 ? pageId(0, listing.nextPage) : undefined);
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
    if (turn.incremental !== undefined) {
      this.state.incremental = addIncremental(this.state.incremental, turn.incremental);
    }
    this.changed();
  }

  planFailed(): void {
    this.#planning = false;
    this.#supply?.giveBack();
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
    if (!this.actions.found(page)) this.#supply?.closed(page.page);
    this.changed();
  }

  #relist({ index, items, bytes }: NonNullable<AppliedActions['rescan']>, page: number, of: string | undefined): void {
    if (of !== undefined) this.#supply?.again(of, pageId(1, page));
    this.state.uncommitted.indexes.push(index);
    this.state.ranges.unshift({ index, lane: 1, next: page, end: page + 1 });
    this.#listed(1, items, bytes);
  }

  /** So many events of the supply are not scanned: the account says so. */
  dropped(events: number): void {
    if (events === 0) return;
    this.state.dropped = (this.state.dropped ?? 0) + events;
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
    const progress = progressOf(this.state, this.#pages.ids, this.#account);
    if (this.#supply === undefined || this.#account !== undefined) return progress;
    return { ...progress, events: this.#supply.figures() };
  }
}
