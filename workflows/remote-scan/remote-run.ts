import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  makeContinueAsNewFunc,
  setHandler,
  upsertSearchAttributes,
  uuid4,
} from '@temporalio/workflow';
import type { Received } from '../../domain/intake.ts';
import { jobIdOf } from '../../domain/job-id.ts';
import {
  type AllPushed,
  type EventsSignal,
  ON_ACCESS,
  PUSHED,
  REFUSAL,
  SEARCH_ATTRIBUTE,
  type StartAnswer,
  type StartRequest,
} from '../messages.ts';
import { EventBook, type EventBookState } from '../on-access/event-book.ts';
import { restPause } from '../on-access/job-times.ts';
import { failureOf } from '../scan-job/activity-failure.ts';
import { acceptControl, refuseOtherScan, started, startUpdate } from '../scan-job/control.ts';
import { Driver } from '../scan-job/driver.ts';
import { acceptVersions, handOverDue, nextRun } from '../scan-job/hand-over.ts';
import { type JobActivities, jobActivities } from '../scan-job/proxies.ts';
import { resultOf, told, watchForCancel } from '../scan-job/run.ts';
import { ScanJob } from '../scan-job/scan-job.ts';
import type { JobResult, ScanJobState } from '../scan-job/state.ts';
import { Listening, type ListeningState } from './listening.ts';
import { PushSupply } from './push-supply.ts';

const eventsSignal = defineSignal<[EventsSignal]>(ON_ACCESS.events);
const allSignal = defineSignal<[AllPushed]>(PUSHED.all);
const restartedSignal = defineSignal(PUSHED.restarted);
const receivedQuery = defineQuery<Received>(ON_ACCESS.received);
const jobKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
const connectorKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.connector, 'KEYWORD');

/** Pages of what was pushed whose marks are read at once. */
const READ_PAGES = 20;

/** Everything a scan whose items are pushed must not forget. */
export interface RemoteScanState {
  readonly book: EventBookState;
  /** Absent where a new job begins with what the one before did not scan. */
  readonly job?: ScanJobState;
  readonly listening?: ListeningState;
  /** When the first run began, in milliseconds since 1970. */
  readonly beganMs: number;
}

type Run = (request: StartRequest, carried: RemoteScanState) => Promise<JobResult>;

/** One run of a scan whose items a remote connector pushes: asks for the listing, takes what comes, and ends when nothing comes any more. */
export class RemoteRun {
  readonly #request: StartRequest;
  readonly #book: EventBook;
  readonly #listening: Listening;
  readonly #supply: PushSupply;
  readonly #job: ScanJob;
  readonly #activities: JobActivities;
  readonly #beganMs: number;
  #over = false;
  /** The connector is, or was, asked for a listing. */
  #asks: boolean;

  constructor(request: StartRequest, carried: RemoteScanState | undefined) {
    const { job, listening, book, beganMs = Date.now() } = carried ?? {};
    this.#beganMs = beganMs;
    this.#request = job?.request ?? request;
    this.#book = new EventBook(book);
    this.#listening = new Listening(this.#request.pushed ?? { ask: true }, Date.now(), listening);
    this.#asks = this.#request.pushed?.ask !== false || listening?.asked === false;
    this.#supply = new PushSupply(this.#book, () => new Date(this.#listening.state.lastMs).toISOString());
    const state = job ?? ScanJob.begin(this.#request, new Date().toISOString()).state;
    this.#job = new ScanJob(state, this.#supply);
    this.#activities = jobActivities(this.#request);
    acceptControl(this.#job, this.#activities.orchestrator);
    setHandler(startUpdate, (asked) => this.#started(asked), {
      validator: (asked) => this.#refuse(asked),
    });
    acceptVersions(this.#job);
    watchForCancel(this.#job);
    // Each scan of a connector has the name of the one before: what that one got is none of this one's.
    const since = new Date(beganMs).toISOString();
    setHandler(receivedQuery, () => ({ ...this.#book.received(), since }));
    setHandler(eventsSignal, ({ ref, marks }) => {
      if (this.#book.receive(ref, marks)) this.#note(() => this.#listening.heard(Date.now()));
    });
    setHandler(allSignal, (said) => {
      if (said.job === this.#job.id) this.#note(() => this.#listening.allPushed(said, Date.now()));
    });
    setHandler(restartedSignal, () => this.#note(() => this.#listening.restarted(Date.now())));
    upsertSearchAttributes([
      { key: jobKey, value: this.#job.id },
      { key: connectorKey, value: this.#request.source.id },
    ]);
  }

  async run(): Promise<JobResult> {
    return await CancellationScope.nonCancellable(async () => {
      const beside = Promise.all([this.#ask(), this.#untilEnd(), this.#refill()]);
      const result = await new Driver(this.#job, this.#activities).run();
      this.#over = true;
      await beside;
      await condition(allHandlersFinished);
      if (result === undefined && this.#job.state.taken === undefined) return await this.#goOn();
      const ended = result ?? resultOf(this.#job.state.taken as NonNullable<ScanJobState['taken']>);
      await told(this.#job, ended);
      // What came in the last moment was acknowledged: it has a job of its own.
      const scanned = ended.state === 'completed' || ended.state === 'completed_with_gaps';
      if (scanned && this.#book.pending > 0) return await this.#follow();
      return ended;
    });
  }

  #refuse(asked: StartRequest): void {
    refuseOtherScan(this.#job, asked);
    if (asked.pushed?.ask !== true || this.#asks) return;
    if (!this.#supply.over && !this.#job.state.listing.done) return;
    const what = `job ${this.#job.id} takes what was pushed after an earlier scan, and its listing is over`;
    throw ApplicationFailure.nonRetryable(`${what}: start once it has ended`, REFUSAL.scanRunning, {
      job: this.#job.id,
    });
  }

  /** Who joins a job that takes what was left over wants a whole scan: the connector is asked for it. */
  async #started(asked: StartRequest): Promise<StartAnswer> {
    const { pushed } = asked;
    if (pushed?.ask === true && !this.#asks) {
      this.#asks = true;
      this.#note(() => this.#listening.ask(pushed));
      this.#supply.ends = false;
    }
    return await started(this.#job, asked, this.#activities.orchestrator);
  }

  #note(change: () => void): void {
    change();
    this.#job.news = true;
  }

  /** Once the storage was looked at, the connector is asked; what stands in the way fails the job. */
  async #ask(): Promise<void> {
    for (let failures = 1; ; failures++) {
      await condition(() => this.#over || this.#mayAsk);
      if (this.#over) return;
      try {
        await this.#activities.scan.askRemote(this.#context());
        this.#note(() => this.#listening.asked(Date.now()));
      } catch (error) {
        const { code, detail, hold } = failureOf(error);
        if (!hold) {
          this.#job.fail(code, detail);
          return;
        }
        await condition(() => this.#over, restPause(failures));
      }
    }
  }

  get #mayAsk(): boolean {
    return this.#listening.mustAsk && this.#job.state.opened !== undefined && this.#job.mayOpen;
  }

  #context() {
    const { job, source, settings } = this.#request;
    return { job, source, settings };
  }

  /** Ends the listing when nothing came for long enough, and says what was not whole; once more when somebody wants all of it after that. */
  async #untilEnd(): Promise<void> {
    while (await this.#quiet()) {
      // Asked for at this very moment.
      if (this.#listening.mustAsk) continue;
      const broken = this.#listening.broken(this.#book.count);
      if (broken !== undefined) this.#job.state.broken = broken;
      this.#supply.ends = true;
      this.#job.news = true;
      await condition(() => this.#over || this.#listening.mustAsk);
    }
  }

  /** False when the run is over before. */
  async #quiet(): Promise<boolean> {
    for (;;) {
      await condition(() => this.#over || !this.#listening.mustAsk);
      if (this.#over) return false;
      const endsAtMs = this.#listening.endsAtMs;
      const left = endsAtMs - Date.now();
      if (left <= 0) return true;
      // What comes puts the end off: that is looked at when it would have been, so that no push costs a timer.
      await condition(() => this.#over || this.#listening.mustAsk || this.#listening.endsAtMs < endsAtMs, left);
    }
  }

  /** Reads what there is on pages that came while the book was full. */
  async #refill(): Promise<void> {
    for (;;) {
      await condition(() => this.#over || (this.#book.wanted(1).length > 0 && !this.#leaving));
      if (this.#over) return;
      const refs = this.#book.wanted(READ_PAGES);
      const { source } = this.#request;
      this.#supply.reading = true;
      try {
        const pages = await this.#activities.orchestrator.readMarks({ source: source.id, shard: this.#shard, refs });
        for (const [at, ref] of refs.entries()) this.#book.read(ref, pages[at] ?? []);
      } catch {
        // The ledger is gone, which holds the job too.
        await condition(() => this.#over, restPause(1));
      } finally {
        this.#supply.reading = false;
        this.#job.news = true;
      }
    }
  }

  get #shard(): number {
    return this.#supply.figures().shard;
  }

  get #leaving(): boolean {
    return handOverDue(this.#job.state);
  }

  async #goOn(): Promise<never> {
    const { options, left } = nextRun(this.#job.state);
    const carried = {
      book: this.#book.carry(),
      job: { ...this.#job.state, ...left },
      listening: this.#listening.state,
      beganMs: this.#beganMs,
    };
    return await makeContinueAsNewFunc<Run>(options)(this.#request, carried);
  }

  async #follow(): Promise<never> {
    this.#book.land();
    const { waiter: _, bodyHash: __, pushed, ...request } = this.#request;
    const next: StartRequest = {
      ...request,
      job: jobIdOf(new Date(), uuid4()),
      pushed: { ...pushed, ask: false },
    };
    return await makeContinueAsNewFunc<Run>()(next, { book: this.#book.carry(), beganMs: this.#beganMs });
  }
}
