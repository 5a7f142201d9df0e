import { defineSearchAttributeKey } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  setHandler,
  upsertSearchAttributes,
  uuid4,
} from '@temporalio/workflow';
import type { Received } from '../../domain/intake.ts';
import type { JobProgress } from '../../domain/job.ts';
import { limitsOf } from '../../domain/limits.ts';
import {
  type EventsSignal,
  ON_ACCESS,
  type OnAccessStart,
  QUERY,
  SEARCH_ATTRIBUTE,
  type StartRequest,
} from '../messages.ts';
import { acceptControl, sameSettings } from '../scan-job/control.ts';
import { Driver } from '../scan-job/driver.ts';
import { acceptVersions, handOverDue, nextRun } from '../scan-job/hand-over.ts';
import { type JobActivities, jobActivities } from '../scan-job/proxies.ts';
import { ScanJob } from '../scan-job/scan-job.ts';
import type { ScanJobState } from '../scan-job/state.ts';
import { EventBook, type EventBookState } from './event-book.ts';
import { EventSupply } from './event-supply.ts';
import { jobIdOf, restPause, untilDayEnds } from './job-times.ts';

const eventsSignal = defineSignal<[EventsSignal]>(ON_ACCESS.events);
const receivedQuery = defineQuery<Received>(ON_ACCESS.received);
const progressQuery = defineQuery<JobProgress>(QUERY.progress);
const jobKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
const connectorKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.connector, 'KEYWORD');

/** A workflow that got no event for so long ends. */
const IDLE_MS = 2 * 86_400_000;
/** Pages of events whose marks are read at once. */
const READ_PAGES = 20;

/** Everything an on-access workflow must not forget. Carried as it is over continue-as-new. */
export interface OnAccessState {
  readonly book: EventBookState;
  /** The job that goes on. */
  readonly job?: ScanJobState;
  /** What the last job that ended said of itself. */
  readonly last?: JobProgress;
  /** Jobs that failed, one after the other. */
  readonly failures: number;
  readonly lastAt?: string;
  readonly lagMs?: number;
  readonly leftVersion?: string;
}

type Run = (start: OnAccessStart, carried: OnAccessState) => Promise<void>;

/**
 * Takes the events of one connector and shard, and runs one job after the other on them: each ends with its day, with its 100,000 items, with
 * its settings, or when it is cancelled; what waits goes on in the next one.
 */
export class OnAccessRun {
  #start: OnAccessStart;
  readonly #book: EventBook;
  #job: ScanJob | undefined;
  #supply: EventSupply | undefined;
  #last: JobProgress | undefined;
  #failures: number;
  #lastAt: string | undefined;
  #lagMs: number | undefined;
  readonly #leftVersion: string | undefined;
  #cancelled = false;

  constructor(start: OnAccessStart, carried: OnAccessState | undefined) {
    this.#start = start;
    this.#book = new EventBook(carried?.book);
    this.#last = carried?.last;
    this.#failures = carried?.failures ?? 0;
    this.#lastAt = carried?.lastAt;
    this.#lagMs = carried?.lagMs;
    this.#leftVersion = carried?.leftVersion;
    setHandler(progressQuery, () => {
      if (this.#last === undefined) throw new Error('no job has begun here yet');
      return this.#last;
    });
    setHandler(receivedQuery, () => this.#book.received());
    setHandler(eventsSignal, (signal) => this.#receive(signal));
    CancellationScope.current().cancelRequested.catch((error: unknown) => this.#cancel(error));
    if (carried?.job !== undefined) this.#take(carried.job);
  }

  /** Returns when nothing came for two days, or Temporal's Cancel has ended the job. */
  async run(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      while (await this.#oneJob());
      await condition(allHandlersFinished);
    });
  }

  /** False when the workflow is to end. */
  async #oneJob(): Promise<boolean> {
    if (this.#job === undefined) {
      const due = () => this.#leaving || this.#cancelled;
      await condition(() => this.#book.pending > 0 || due(), this.#start.bounds?.idleMs ?? IDLE_MS);
      if (this.#failures > 0 && !due()) await this.#rest();
      if (this.#cancelled && this.#book.pending === 0) return false;
      if (due()) return await this.#goOn();
      if (this.#book.pending === 0) return false;
      this.#take(ScanJob.begin(this.#request(), now()).state);
    }
    return (await this.#drive()) || (await this.#goOn());
  }

  /** True when the job has ended, false when the run must continue as new. */
  async #drive(): Promise<boolean> {
    const [job, supply] = [this.#job, this.#supply];
    if (job === undefined || supply === undefined) throw new TypeError('there is no job');
    const activities = jobActivities(job.state.request);
    acceptControl(job, activities.orchestrator);
    acceptVersions(job);
    let over = false;
    const beside = Promise.all([
      this.#watchDay(job, supply, () => over),
      this.#refill(job, supply, activities, () => over),
    ]);
    const result = await new Driver(job, activities).run();
    over = true;
    await beside;
    await condition(allHandlersFinished);
    if (result === undefined) return false;
    this.#last = job.progress();
    this.#book.land();
    if (result.state === 'failed') this.#book.forget();
    this.#failures = result.state === 'failed' ? this.#failures + 1 : 0;
    this.#job = undefined;
    this.#supply = undefined;
    return true;
  }

  #request(): StartRequest {
    const { source, shard, settings, site } = this.#start;
    const limits = this.#last?.limits;
    return {
      job: jobIdOf(new Date(), uuid4()),
      kind: 'on-access',
      source,
      settings,
      shard,
      actor: 'on-access',
      ...(site !== undefined && { site }),
      ...(limits !== undefined && { limits: limitsOf(limits) }),
    };
  }

  /** Makes this job the one that the events go to. */
  #take(state: ScanJobState): void {
    const figures = () => ({
      shard: this.#start.shard,
      ...(this.#lastAt !== undefined && { lastAt: this.#lastAt }),
      ...(this.#lagMs !== undefined && { lagMs: this.#lagMs }),
    });
    const supply = new EventSupply(this.#book, figures, this.#start.bounds?.jobItems);
    const job = new ScanJob(state, supply);
    this.#supply = supply;
    this.#job = job;
    if (!sameStart(this.#start, state.request)) supply.ends = true;
    upsertSearchAttributes([
      { key: jobKey, value: job.id },
      { key: connectorKey, value: state.request.source.id },
    ]);
  }

  #receive({ start, ref, marks, lagMs }: EventsSignal): void {
    if (!this.#book.receive(ref, marks)) return;
    this.#lastAt = now();
    if (lagMs !== undefined) this.#lagMs = lagMs;
    this.#start = start;
    if (this.#job === undefined || this.#supply === undefined) return;
    if (!sameStart(start, this.#job.state.request)) this.#supply.ends = true;
    this.#job.news = true;
  }

  #cancel(error: unknown): void {
    if (!isCancellation(error)) return;
    this.#cancelled = true;
    this.#job?.cancel({ job: this.#job.id, actor: 'temporal' }, now());
  }

  /** The job ends with the day that it began on. */
  async #watchDay(job: ScanJob, supply: EventSupply, over: () => boolean): Promise<void> {
    const ended = await condition(over, untilDayEnds(job.state.startedAt, Date.now(), this.#start.bounds?.dayMs));
    if (ended) return;
    supply.ends = true;
    job.news = true;
  }

  /** Reads what events there are on pages that came while the book was full. What can't be read any more is a gap of the job. */
  async #refill(
    job: ScanJob,
    supply: EventSupply,
    { orchestrator }: JobActivities,
    over: () => boolean,
  ): Promise<void> {
    for (;;) {
      await condition(() => over() || (this.#book.wanted(1).length > 0 && !this.#leaving));
      if (over()) return;
      const refs = this.#book.wanted(READ_PAGES);
      const { source, shard } = this.#start;
      supply.reading = true;
      try {
        const pages = await orchestrator.readMarks({ source: source.id, shard, refs });
        for (const [at, ref] of refs.entries()) job.dropped(this.#book.read(ref, pages[at] ?? null));
      } catch {
        // The ledger is gone, which holds the job too.
        await condition(over, restPause(1));
      } finally {
        supply.reading = false;
        if (this.#job !== undefined) this.#job.news = true;
      }
    }
  }

  /** Jobs that fail, fail at once: what is wrong with them must be mended first, perhaps by other settings. */
  async #rest(): Promise<void> {
    const before = this.#start;
    await condition(
      () => this.#leaving || this.#cancelled || !sameStart(before, this.#start),
      restPause(this.#failures),
    );
  }

  get #leaving(): boolean {
    return handOverDue({ ...(this.#leftVersion !== undefined && { leftVersion: this.#leftVersion }) });
  }

  /** Goes on in a new run. Never returns. */
  async #goOn(): Promise<never> {
    await condition(allHandlersFinished);
    const leftVersion = this.#leftVersion;
    const { options, left } = nextRun({ ...(leftVersion !== undefined && { leftVersion }) });
    const state: OnAccessState = {
      book: this.#book.carry(),
      ...(this.#job !== undefined && { job: { ...this.#job.state, ...left } }),
      ...(this.#last !== undefined && { last: this.#last }),
      failures: this.#failures,
      ...(this.#lastAt !== undefined && { lastAt: this.#lastAt }),
      ...(this.#lagMs !== undefined && { lagMs: this.#lagMs }),
      ...(leftVersion !== undefined && { leftVersion }),
      ...left,
    };
    return await makeContinueAsNewFunc<Run>(options)(this.#start, state);
  }
}

function sameStart(a: Pick<OnAccessStart, 'settings' | 'site'>, b: Pick<OnAccessStart, 'settings' | 'site'>): boolean {
  return a.site === b.site && sameSettings(a.settings, b.settings);
}

function now(): string {
  return new Date().toISOString();
}
