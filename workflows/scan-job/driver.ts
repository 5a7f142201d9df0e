import { CancellationScope, condition, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { FAILURE, type JobContext, type PlannedTurn } from '../../activities/types.ts';
import { PUSHED_SHARD } from '../../domain/remote.ts';
import type { ChainLink, RetryTarget } from '../../domain/retry.ts';
import { FULL_SHARE, sameShare } from '../../domain/shares.ts';
import { failureOf, isTimeout, lastCheckpoint } from './activity-failure.ts';
import { Door, probePause } from './door.ts';
import { driveActions } from './drive-actions.ts';
import { handOverDue } from './hand-over.ts';
import { HoursWatch } from './hours-watch.ts';
import type { JobActivities } from './proxies.ts';
import { publishFinal, publishProgress } from './publish.ts';
import { beginRetry } from './retry-rules.ts';
import type { PlanningTurn, ScanJob } from './scan-job.ts';
import type { JobResult, PageTask } from './state.ts';

/** A run hands over to a new one when Temporal suggests it; past this many events it no longer waits for items in hand. */
const IMPATIENT_EVENTS = 20_000;
/** What a job of events has found is committed within this. */
const COMMIT_WITHIN = '10s';

/** Drives a scan job: starts the activities that its rules ask for, owns every promise, and reports every result. */
export class Driver {
  readonly #job: ScanJob;
  readonly #act: JobActivities;
  readonly #scopes = new Map<string, CancellationScope>();
  readonly #hours: HoursWatch;
  readonly #door: Door;
  #due = false;
  /** A commit by time is on its way. */
  #timed = false;

  constructor(job: ScanJob, activities: JobActivities) {
    this.#job = job;
    this.#act = activities;
    this.#hours = new HoursWatch(job, activities.orchestrator);
    this.#door = new Door(
      job,
      () => activities.scan.probe(this.#context),
      () => this.#leaving,
    );
  }

  get #context(): JobContext {
    const { job, kind, source, settings, order } = this.#job.state.request;
    const { opened, retry } = this.#job.state;
    const fingerprint = opened?.fingerprint ?? retry?.fingerprint;
    const scans = kind !== 'apply';
    const restores = order?.why === 'restore' && ({ restores: true } as const);
    return {
      job,
      source,
      settings,
      ...(!scans && { scans }),
      ...restores,
      ...(fingerprint !== undefined && { fingerprint }),
      ...(opened?.revision !== undefined && { revision: opened.revision }),
    };
  }

  /** Works until the job is over (its result), or the run must continue as new, or do nothing (undefined). */
  async run(): Promise<JobResult | undefined> {
    if (!(await this.#begin()) || this.#job.state.taken !== undefined) return undefined;
    for (;;) {
      this.#job.news = false;
      if (this.#job.over) return await this.#finish();
      if (this.#leaving) this.#job.drain();
      this.#watchHours();
      if (this.#job.mustOpen) {
        await this.#open();
        continue;
      }
      this.#stop();
      this.#dispatch();
      publishProgress(this.#job);
      await condition(() => this.#job.news || this.#mustContinue());
      if (this.#mustContinue()) return undefined;
    }
  }

  /** Once the run is to hand over it does, whatever changes meanwhile: nothing is dispatched any more. */
  get #leaving(): boolean {
    this.#due ||= handOverDue(this.#job.state);
    return this.#due;
  }

  #mustContinue(): boolean {
    return (
      this.#leaving &&
      this.#job.quiet &&
      !this.#job.probing &&
      !this.#hours.asking &&
      !this.#job.over &&
      this.#job.committedSoFar
    );
  }

  /** The header. @returns false when the run must continue as new before it is written */
  async #begin(): Promise<boolean> {
    const { request, startedAt, header } = this.#job.state;
    const { kind, actor, intake, shard, bodyHash, order, pushed } = request;
    if (header !== undefined) return true;
    await this.#openRetry();
    return await this.#untilDone(async () => {
      const given = {
        ...(intake !== undefined && { intake }),
        ...(shard !== undefined && { shard }),
        ...(bodyHash !== undefined && { bodyHash }),
        ...(pushed !== undefined && { coverage: 'reported_by_connector' as const }),
      };
      const ordered = order !== undefined && { order };
      const begin = { ...this.#context, kind, actor, startedAt, ...given, ...ordered, ...this.#retried() };
      const { taken, ...ref } = await this.#act.orchestrator.beginJob(begin);
      if (taken === undefined) this.#job.begun(ref);
      else this.#job.state.taken = taken;
    });
  }

  /**
   * A look at the storage before anything is listed: what fails here fails the job with a clear word. A scanner that does not
   * answer is known at once, before the first page waits in front of it.
   */
  async #open(): Promise<void> {
    publishProgress(this.#job);
    await this.#cancellable(async () => {
      this.#job.opened(await this.#act.scan.openJob(this.#context));
      const { ok, code = FAILURE.hold, detail = '', worker } = await this.#door.once();
      if (!ok) this.#door.closed({ code, detail, ...(worker !== undefined && { worker }) }, true);
    });
  }

  /** What a retry builds on must be known before its header, which names it. */
  async #openRetry(): Promise<void> {
    const { request, retry } = this.#job.state;
    const target = request.retry;
    if (target === undefined || retry !== undefined || this.#job.mustStop) return;
    await this.#cancellable(async () => {
      const input = { job: this.#job.id, retry: target };
      beginRetry(this.#job.state, await this.#act.orchestrator.openRetry(input));
    });
  }

  /** The retry as its header names it; nothing for other jobs. */
  #retried(): { retry?: RetryTarget & { chain?: readonly ChainLink[] } } {
    const { request, retry } = this.#job.state;
    if (request.retry === undefined) return {};
    return { retry: { ...request.retry, ...(retry !== undefined && { chain: retry.chain }) } };
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
    if (this.#job.mayProbe && !this.#leaving) this.#probe();
    for (let turn = this.#job.takePlanning(); turn !== undefined; turn = this.#job.takePlanning()) this.#plan(turn);
    for (let page = this.#job.takePage(); page !== undefined; page = this.#job.takePage()) this.#scan(page);
    driveActions(this.#job, this.#act, this.#context, {
      own: (promise, onValue, onError) => this.#own(promise, onValue, onError),
      blame: (error) => this.#blame(error),
      blameWorker: (error) => this.#blameWorker(error),
    });
    this.#commit();
  }

  #plan({ supplied, ...turn }: PlanningTurn): void {
    const { request, retry } = this.#job.state;
    if (supplied !== undefined) {
      const shard = request.pushed === undefined ? (request.shard ?? 0) : PUSHED_SHARD;
      const input = { ...this.#context, shard, page: turn.firstPage, ...supplied };
      this.#ownTurn(this.#act.planEvents(input));
      return;
    }
    const input = {
      ...this.#context,
      lane: 0,
      epoch: 0,
      ...turn,
      ...(request.intake !== undefined && { intake: request.intake }),
      ...(request.retry !== undefined && retry !== undefined && { retry: { ...request.retry, chain: retry.chain } }),
    };
    this.#ownTurn(this.#act.scan.planPages(input));
  }

  #ownTurn(turn: Promise<PlannedTurn>): void {
    this.#own(
      turn,
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
    const share = this.#job.shareOf(task.page);
    const input = {
      ...this.#context,
      page: task.page,
      index: task.index,
      ...(checkpoint !== undefined && { checkpoint }),
      ...(!sameShare(share, FULL_SHARE) && { share }),
      ...(this.#job.state.request.kind === 'on-access' && { live: true as const }),
      ...this.#replacing(),
    };
    const scanPage = share.bytesPerSecond === undefined ? this.#act.scanPage : this.#act.scanPacedPage;
    this.#own(
      scope.run(() => scanPage(input)),
      (result) => {
        this.#scopes.delete(task.page);
        this.#job.scanned(task, result);
        if (result.end === 'blocked') this.#door.closed(result, false);
        else this.#door.open(result.worker);
      },
      (error) => {
        this.#scopes.delete(task.page);
        this.#job.pageLost({ ...task, ...lastCheckpoint(error, checkpoint) });
        if (!isCancellation(error) && !isTimeout(error)) this.#blameWorker(error);
      },
    );
  }

  #replacing(): { retry?: true } {
    return this.#job.state.retry === undefined ? {} : { retry: true };
  }

  #commit(): void {
    const body = this.#job.takeCommit();
    if (body === undefined) {
      this.#commitLater();
      return;
    }
    this.#own(
      this.#act.orchestrator.commitPages(body),
      (commit) => this.#job.committed(body, commit),
      (error) => {
        this.#job.notCommitted();
        this.#blame(error);
      },
    );
  }

  #commitLater(): void {
    if (this.#timed || !this.#job.commitsByTime) return;
    this.#timed = true;
    const over = (): void => {
      this.#timed = false;
      this.#job.commitIsDue();
    };
    this.#own(sleep(COMMIT_WITHIN), over, over);
  }

  /** Every promise has an owner: its value and its failure both reach the rules, and neither is ever left unhandled. */
  #own<T>(promise: Promise<T>, onValue: (value: T) => void, onError: (error: unknown) => void): void {
    promise.then(onValue, onError);
  }

  #owned(promise: Promise<void>): void {
    this.#own(
      promise,
      () => undefined,
      (error) => this.#blame(error),
    );
  }

  /** Whatever must not run on as it does comes back; a probe only for a job that is to end. */
  #stop(): void {
    const pages = this.#job.takePagesToStop(workflowInfo().historyLength > IMPATIENT_EVENTS);
    for (const page of pages) this.#scopes.get(page)?.cancel();
    if (this.#job.state.control === 'cancelling') this.#door.stop();
  }

  #probe(): void {
    const probing = this.#door.probe();
    if (probing !== undefined) this.#owned(probing);
  }

  #watchHours(): void {
    const watching = this.#hours.watch();
    if (watching !== undefined) this.#owned(watching);
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
    if (failure.hold) this.#door.closed(failure, true);
    else this.#job.fail(failure.code, failure.detail);
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
        if (this.#leaving) return false;
      }
    }
  }

  /** Seals what was begun, writes the last commit, and says so. Nothing cancels this. Undefined as `run` returns it. */
  async #finish(): Promise<JobResult | undefined> {
    return await CancellationScope.nonCancellable(async () => {
      for (let task = this.#job.unsealed; task !== undefined; task = this.#job.unsealed) {
        const { page, index, checkpoint } = task;
        const sealed = await this.#untilDone(async () => {
          const known = { ...(checkpoint !== undefined && { checkpoint }), ...this.#replacing() };
          const input = { job: this.#job.id, page, index, ...known };
          this.#job.sealed(await this.#act.orchestrator.sealPage(input));
        });
        if (!sealed) return undefined;
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
      const { listed, counters, actions, state, incremental } = account;
      const { unannounced } = incremental ?? {};
      const found = unannounced !== undefined && { unannounced };
      return { job: this.#job.id, state, listed, counters, actions, ...found, root };
    });
  }
}

function now(): string {
  return new Date().toISOString();
}
