import type { AppliedActions, AskedActions, GatheredActions, PlannedActions } from '../../activities/types.ts';
import { addActions } from '../../domain/action.ts';
import type { ActionResult, ObjectRef, PageResult } from '../../ledger/types.ts';
import { actedEnough } from './bounds.ts';
import type { ActionBatch, ScanJobState } from './state.ts';

/** Findings that one action activity takes. */
const ACTION_BATCH = 25;
/** Action activities in flight at once. */
const ACTION_WINDOW = 4;

/** What the rules of item actions need of the job they belong to. */
export interface ActionsOf {
  /** False while nothing new may be begun. */
  working(): boolean;
  changed(): void;
  /** Work was done. */
  progressed(): void;
  /** Items that must be scanned again, as the page `page` of lane 1. @param of the page that they were found on */
  relist(listing: NonNullable<AppliedActions['rescan']>, page: number, of: string | undefined): void;
  /** No action is left to be carried out on what was found on this page. */
  settled(page: string): void;
}

/** Intents to be carried out, or to be asked about first. */
export interface ActionTask {
  readonly intents: ObjectRef;
  readonly from: number;
  readonly to: number;
  readonly rescanPage: number;
  /** The brake must be asked whether they may be carried out. */
  readonly ask: boolean;
  readonly page?: string;
}

/** The rules of a job's item actions: planned by page, then carried out in batches, each batch past the brake. */
export class JobActions {
  readonly #state: ScanJobState;
  readonly #job: ActionsOf;
  #planning = 0;
  readonly #flying = new Set<ActionTask>();
  #gathering = false;

  constructor(state: ScanJobState, job: ActionsOf) {
    this.#state = state;
    this.#job = job;
  }

  /** No activity is in flight. */
  get quiet(): boolean {
    return this.#planning === 0 && this.#flying.size === 0 && !this.#gathering;
  }

  /** Nothing is left to be begun. */
  get done(): boolean {
    const { toPlan, toApply, toGather } = this.#state;
    return toPlan.length === 0 && toApply.length === 0 && toGather === undefined;
  }

  /** A page was closed. True when actions follow: `settled` is told when they are over. */
  found(page: PageResult): boolean {
    const { action } = this.#state.request.settings;
    const follow = page.counters.outcomes.malicious > 0 && action !== 'nothing';
    if (follow) this.#state.toPlan.push(page);
    return follow;
  }

  // ---- what to do next --------------------------------------------------------------------------------------------

  /** A closed page whose actions are to be planned. Report it `planned` or `notPlanned`. */
  takePlan(): PageResult | undefined {
    if (!this.#job.working() || this.#planning >= ACTION_WINDOW || actedEnough(this.#state)) return undefined;
    const page = this.#state.toPlan.shift();
    if (page !== undefined) this.#planning += 1;
    return page;
  }

  /** True when the intents of an apply job are to be gathered. Report it `gathered` or `notGathered`. */
  takeGathering(): boolean {
    if (!this.#job.working() || this.#gathering || this.#state.toGather === undefined) return false;
    this.#gathering = true;
    return true;
  }

  /** Intents to carry out, reported `applied` or `notDone`; or with `ask` to be asked about, reported `asked` or `notDone`. */
  take(): ActionTask | undefined {
    const batch = this.#state.toApply[0];
    if (!this.#job.working() || batch === undefined || this.#flying.size >= ACTION_WINDOW) return undefined;
    if (actedEnough(this.#state)) return undefined;
    const from = batch.next;
    const to = Math.min(from + ACTION_BATCH, batch.end);
    batch.next = to;
    if (to >= batch.end) this.#state.toApply.shift();
    const { intents, page } = batch;
    const ask = batch.permitted === undefined && this.#braked;
    const rescanPage = ask ? 0 : this.#state.nextBatch++;
    const task: ActionTask = { intents, from, to, rescanPage, ask, ...(page !== undefined && { page }) };
    this.#flying.add(task);
    return task;
  }

  /** What a person approved needs no other leave, and a dry run touches nothing. */
  get #braked(): boolean {
    const { settings, order } = this.#state.request;
    return settings.maxActions !== undefined && !settings.dryRun && order?.why !== 'approved';
  }

  // ---- what has happened ------------------------------------------------------------------------------------------

  /** @param page whose actions they are */
  planned(plan: PlannedActions, { page }: Pick<PageResult, 'page'>): void {
    this.#planning -= 1;
    if (plan.rows !== undefined) this.#count(plan.rows);
    else if (plan.intents !== undefined)
      this.#state.toApply.push({ intents: plan.intents, next: 0, end: plan.count, page });
    this.#settle(page);
    this.#job.changed();
  }

  notPlanned(page: PageResult): void {
    this.#planning -= 1;
    this.#state.toPlan.unshift(page);
    this.#job.changed();
  }

  gathered({ batches, rows }: GatheredActions): void {
    this.#gathering = false;
    delete this.#state.toGather;
    // The ledger has them now: they need not be carried on.
    const { picks: _, ...request } = this.#state.request;
    this.#state.request = request;
    for (const result of rows) this.#count(result);
    for (const { intents, count } of batches) this.#state.toApply.push({ intents, next: 0, end: count });
    this.#job.changed();
  }

  notGathered(): void {
    this.#gathering = false;
    this.#job.changed();
  }

  /** The brake lets the first of them pass; the rows of the others are written. */
  asked(task: ActionTask, { granted, held, dropped }: AskedActions): void {
    const { intents, from, page } = task;
    this.#flying.delete(task);
    if (held !== undefined) this.#count(held);
    this.#state.unresolved += dropped;
    const of = page !== undefined && { page };
    if (granted > 0) this.#state.toApply.unshift({ intents, next: from, end: from + granted, permitted: true, ...of });
    this.#settle(page);
    this.#job.changed();
  }

  applied(done: AppliedActions, task: ActionTask): void {
    this.#flying.delete(task);
    this.#job.progressed();
    this.#count(done.result);
    this.#state.unresolved += done.unresolved;
    if (done.rescan !== undefined) this.#job.relist(done.rescan, task.rescanPage, task.page);
    this.#settle(task.page);
    this.#job.changed();
  }

  notDone(task: ActionTask): void {
    const { intents, from, to, ask, page } = task;
    this.#flying.delete(task);
    const of = page !== undefined && { page };
    const again: ActionBatch = { intents, next: from, end: to, ...(!ask && { permitted: true }), ...of };
    this.#state.toApply.unshift(again);
    this.#job.changed();
  }

  #settle(page: string | undefined): void {
    if (page === undefined) return;
    const left = [...this.#state.toApply, ...this.#flying].some((one) => one.page === page);
    if (!left) this.#job.settled(page);
  }

  #count(result: ActionResult): void {
    this.#state.uncommitted.actions.push(result);
    this.#state.actions = addActions(this.#state.actions, result.counts);
  }
}
