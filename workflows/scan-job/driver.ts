import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { type Checkpoint, FAILURE, type JobContext } from '../../activities/types.ts';
import type { JobActivities } from './proxies.ts';
import { publishFinal, publishProgress } from './publish.ts';
import type { ScanJob } from './scan-job.ts';
import type { JobResult, PageTask } from './state.ts';
import { Witnesses } from './witnesses.ts';

/** A run hands over to a new one when Temporal suggests it; past this many events it no longer waits for items in hand. */
const IMPATIENT_EVENTS = 20_000;
/** Pauses between the probes of a held job: they grow from the first to the last of these, in milliseconds. */
const FIRST_PROBE_MS = 2_000;
const LAST_PROBE_MS = 60_000;
/** So many good probes in a row after which no work was done hold the job all the same. */
const MAX_STRIKES = 3;

/** Drives a scan job: starts the activities that its rules ask for, owns every promise, and reports every result. */
export class Driver {
  readonly #job: ScanJob;
  readonly #act: JobActivities;
  readonly #scopes = new Map<string, CancellationScope>();
  readonly #witnesses = new Witnesses();
  #probing = false;

  constructor(job: ScanJob, activities: JobActivities) {
    this.#job = job;
    this.#act = activities;
  }

  get #context(): JobContext {
    const { job, source, settings } = this.#job.state.request;
    const { opened } = this.#job.state;
    return { job, source, settings, ...(opened !== undefined && { fingerprint: opened.fingerprint }) };
  }

  /** Works until the job is over (its result), or the run must continue as new (undefined). */
  async run(): Promise<JobResult | undefined> {
    if (!(await this.#begin())) return undefined;
    for (;;) {
      this.#job.news = false;
      if (this.#job.over) return await this.#finish();
      if (workflowInfo().continueAsNewSuggested) this.#job.drain();
      if (this.#job.mustStop || workflowInfo().historyLength > IMPATIENT_EVENTS) this.#stopPages();
      this.#dispatch();
      publishProgress(this.#job);
      await condition(() => this.#job.news || this.#mustContinue());
      if (this.#mustContinue()) return undefined;
    }
  }

  #mustContinue(): boolean {
    return (
      workflowInfo().continueAsNewSuggested &&
      this.#job.quiet &&
      !this.#probing &&
      !this.#job.over &&
      this.#job.committedSoFar
    );
  }

  /**
   * The header, then a look at the storage: what fails here fails the job with a clear word, and lists nothing. A scanner
   * that does not answer is known at once, before the first page waits in front of it.
   * @returns false when the run must continue as new before that is done
   */
  async #begin(): Promise<boolean> {
    const { request, startedAt, header, opened } = this.#job.state;
    const { kind, actor, intake } = request;
    if (header === undefined) {
      const done = await this.#untilDone(async () => {
        const begin = { ...this.#context, kind, actor, startedAt, ...(intake !== undefined && { intake }) };
        this.#job.begun(await this.#act.orchestrator.beginJob(begin));
      });
      if (!done) return false;
    }
    if (opened !== undefined || this.#job.mustStop) return true;
    publishProgress(this.#job);
    await this.#cancellable(async () => {
      this.#job.opened(await this.#act.scan.openJob(this.#context));
      const { ok, code = FAILURE.hold, detail = '', worker } = await this.#act.scan.probe(this.#context);
      if (!ok) this.#closedDoor({ code, detail, ...(worker !== undefined && { worker }) }, true);
    });
    return true;
  }

  /** A step before the work begins: it fails the job, or ends with it when it is cancelled. */
  async #cancellable(step: () => Promise<void>): Promise<void> {
    const scope = new CancellationScope();
    let done = false;
    this.#own(
      scope.run(step),
      () => {
        done = true;
      },
      (error) => {
        done = true;
        // Once the job is cancelled, a step that ends in any way has only ended.
        if (isCancellation(error) || this.#job.state.control === 'cancelling') return;
        const { code, detail } = failureOf(error);
        this.#job.fail(code, detail);
      },
    );
    await condition(() => done || this.#job.state.control === 'cancelling');
    scope.cancel();
    await condition(() => done);
  }

  #dispatch(): void {
    // A run that must continue as new begins no probe: the next run does.
    if (this.#job.state.hold !== undefined && !workflowInfo().continueAsNewSuggested) this.#probe();
    for (let turn = this.#job.takePlanning(); turn !== undefined; turn = this.#job.takePlanning()) this.#plan(turn);
    for (let page = this.#job.takePage(); page !== undefined; page = this.#job.takePage()) this.#scan(page);
    for (let page = this.#job.takeActionPlan(); page !== undefined; page = this.#job.takeActionPlan()) {
      this.#planActions(page);
    }
    for (let batch = this.#job.takeActions(); batch !== undefined; batch = this.#job.takeActions()) this.#apply(batch);
    this.#commit();
  }

  #plan(turn: NonNullable<ReturnType<ScanJob['takePlanning']>>): void {
    const { intake } = this.#job.state.request;
    const input = { ...this.#context, lane: 0, epoch: 0, ...turn, ...(intake !== undefined && { intake }) };
    this.#own(
      this.#act.scan.planPages(input),
      (planned) => this.#job.planned(planned),
      (error) => {
        this.#job.planFailed();
        this.#blameWorker(error);
      },
    );
  }

  #scan(task: PageTask): void {
    const scope = new CancellationScope();
    this.#scopes.set(task.page, scope);
    const { checkpoint } = task;
    const input = {
      ...this.#context,
      page: task.page,
      index: task.index,
      ...(checkpoint !== undefined && { checkpoint }),
    };
    this.#own(
      scope.run(() => this.#act.scanPage(input)),
      (result) => {
        this.#scopes.delete(task.page);
        this.#job.scanned(task, result);
        if (result.end === 'blocked') this.#closedDoor(result, false);
        else this.#witnesses.good(result.worker, Date.now());
      },
      (error) => {
        this.#scopes.delete(task.page);
        this.#job.pageLost({ ...task, ...lastCheckpoint(error, checkpoint) });
        if (!isCancellation(error) && !isTimeout(error)) this.#blameWorker(error);
      },
    );
  }

  /**
   * A worker found a door closed. Whether the job is held a probe decides, since that one worker may just be cut off; unless
   * probes went well several times, and still nothing was done.
   * @param atOnce whether it said so at once: a page that waited in front of the door has lost time enough
   */
  #closedDoor({ code, detail, worker }: { code: string; detail: string; worker?: string }, atOnce: boolean): void {
    this.#witnesses.bad(worker, Date.now());
    const inVain = (this.#job.state.strikes ?? 0) >= MAX_STRIKES && !this.#witnesses.someoneGetsOn(Date.now());
    if (inVain) this.#job.hold(code, detail, now());
    else this.#job.suspect(code, detail, now(), atOnce);
  }

  #planActions(page: NonNullable<ReturnType<ScanJob['takeActionPlan']>>): void {
    this.#own(
      this.#act.orchestrator.planActions({ ...this.#context, page }),
      (plan) => this.#job.actionsPlanned(plan),
      (error) => {
        this.#job.actionsNotPlanned(page);
        this.#blame(error);
      },
    );
  }

  #apply(batch: NonNullable<ReturnType<ScanJob['takeActions']>>): void {
    this.#own(
      this.#act.actions.applyActions({ ...this.#context, ...batch }),
      (done) => this.#job.applied(done, batch.rescanPage),
      (error) => {
        this.#job.notApplied(batch.intents, batch.from, batch.to);
        this.#blameWorker(error);
      },
    );
  }

  #commit(): void {
    const body = this.#job.takeCommit();
    if (body === undefined) return;
    this.#own(
      this.#act.orchestrator.commitPages(body),
      (commit) => this.#job.committed(body, commit),
      (error) => {
        this.#job.notCommitted();
        this.#blame(error);
      },
    );
  }

  /** Every promise has an owner: its value and its failure both reach the rules, and neither is ever left unhandled. */
  #own<T>(promise: Promise<T>, onValue: (value: T) => void, onError: (error: unknown) => void): void {
    promise.then(onValue, onError);
  }

  #stopPages(): void {
    for (const scope of this.#scopes.values()) scope.cancel();
  }

  /** What a failed activity means for the job: a hold that a probe ends, or the job's failure. */
  #blame(error: unknown): void {
    if (isCancellation(error)) return;
    const { code, detail, hold } = failureOf(error);
    if (hold) this.#job.hold(code, detail, now());
    else this.#job.fail(code, detail);
  }

  /** The same for activities of the workers beside the storage, any one of which may be cut off from it. */
  #blameWorker(error: unknown): void {
    if (isCancellation(error)) return;
    const failure = failureOf(error);
    if (failure.hold) this.#closedDoor(failure, true);
    else this.#job.fail(failure.code, failure.detail);
  }

  /** Probes until what holds the job is gone, at growing pauses. */
  #probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    this.#own(
      this.#probeLoop(),
      () => this.#probed(),
      (error) => {
        this.#probed();
        this.#blame(error);
      },
    );
  }

  #probed(): void {
    this.#probing = false;
    this.#job.news = true;
  }

  async #probeLoop(): Promise<void> {
    // What was released before and did not go on is not asked again at once.
    const { strikes = 0 } = this.#job.state;
    if (strikes > 0) await this.#pause(probePause(strikes - 1));
    while (this.#job.state.hold !== undefined && !this.#job.over && this.#job.state.control !== 'cancelling') {
      const { probes } = this.#job.state.hold;
      const { ok, code, detail, worker } = await this.#act.scan.probe(this.#context);
      if (ok) this.#witnesses.good(worker, Date.now());
      else this.#witnesses.bad(worker, Date.now());
      if (ok || this.#othersGetOn) return this.#job.release();
      this.#job.stillHeld(code ?? 'held', detail ?? '');
      if (workflowInfo().continueAsNewSuggested) return;
      await this.#pause(probePause(probes));
    }
  }

  /** A probe that failed holds nothing while other workers get on. A job that is held has no work that could prove it. */
  get #othersGetOn(): boolean {
    return this.#job.state.control === 'running' && this.#witnesses.someoneGetsOn(Date.now());
  }

  /** Ends early when the job is cancelled. */
  async #pause(ms: number): Promise<void> {
    await condition(() => this.#job.state.control === 'cancelling', ms);
  }

  /**
   * Runs a step of the job's own until it succeeds: what stands in its way holds the job.
   * @returns false when the run must continue as new first: weeks of a full disk must not overrun the history
   */
  async #untilDone(step: () => Promise<void>): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      try {
        await step();
        this.#job.release();
        return true;
      } catch (error) {
        if (isCancellation(error)) throw error;
        const { code, detail } = failureOf(error);
        this.#job.hold(code, detail, now());
        publishProgress(this.#job);
        await sleep(probePause(failures));
        if (workflowInfo().continueAsNewSuggested) return false;
      }
    }
  }

  /** Seals what was begun, writes the last commit, and says so. Nothing cancels this. Undefined as `run` returns it. */
  async #finish(): Promise<JobResult | undefined> {
    return await CancellationScope.nonCancellable(async () => {
      for (let task = this.#job.takeUnsealed(); task !== undefined; task = this.#job.takeUnsealed()) {
        const { page, index, checkpoint } = task;
        const sealed = await this.#untilDone(async () => {
          const input = { job: this.#job.id, page, index, ...(checkpoint !== undefined && { checkpoint }) };
          this.#job.close(await this.#act.orchestrator.sealPage(input));
        });
        if (!sealed) {
          this.#job.pageLost(task);
          return undefined;
        }
      }
      const body = this.#job.lastCommit(now());
      const written = await this.#untilDone(async () => {
        this.#job.committed(body, await this.#act.orchestrator.commitPages(body));
      });
      if (!written) return undefined;
      const { account } = body;
      if (account === undefined) throw new TypeError('the last commit has no account');
      this.#job.end(account);
      await publishFinal(this.#act.orchestrator, this.#job);
      const root = this.#job.state.commit?.hash ?? '';
      const { listed, counters, actions, state } = account;
      return { job: this.#job.id, state, listed, counters, actions, root };
    });
  }
}

/** Milliseconds, whole ones: Temporal's timers take no others. */
function probePause(failures: number): number {
  return Math.round(Math.min(FIRST_PROBE_MS * 1.5 ** failures, LAST_PROBE_MS));
}

function now(): string {
  return new Date().toISOString();
}

function failureOf(error: unknown): { code: string; detail: string; hold: boolean; worker?: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) {
    return { code: 'internal', detail: cause instanceof Error ? cause.message : String(cause), hold: false };
  }
  if (cause.type !== FAILURE.hold) return { code: cause.type ?? 'internal', detail: cause.message, hold: false };
  const told = cause.details?.[0] as { code: string; detail: string; worker?: string } | undefined;
  return { code: FAILURE.hold, detail: cause.message, ...told, hold: true };
}

function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}

/** A page that timed out after a cancel request left its checkpoint in its last heartbeat. */
function lastCheckpoint(error: unknown, known: Checkpoint | undefined): { checkpoint?: Checkpoint } {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const beaten = cause instanceof TimeoutFailure ? (cause.lastHeartbeatDetails as Checkpoint | undefined) : undefined;
  const checkpoint = beaten ?? known;
  return checkpoint === undefined ? {} : { checkpoint };
}
