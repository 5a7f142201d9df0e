import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, messageOf } from '../domain/errors.ts';
import type { Started } from '../domain/job-order.ts';
import { closeEnded, type RebuildSources, writeEnded, writeRunning } from '../status/rebuild.ts';
import type { StatusStore } from '../status/status.ts';
import type { Log } from './log.ts';

/** How often the status is compared with the workflows, in milliseconds: after a loss it is right again within this. */
export const REFRESH_MS = 3_000;
/** Longest pause while Redis, Temporal or the ledger can't be asked, in milliseconds. */
const LONGEST_PAUSE_MS = 30_000;
/** Rounds that may fail to come before another process takes over. */
const LOCK_ROUNDS = 5;
/** Jobs that look running and are listed nowhere: so many are looked up in the ledger in one round. */
const DOUBTS_A_ROUND = 50;
/** Jobs that are compared in one round where nothing was lost: the newest. */
const COMPARED_JOBS = 100;
/** Behind every job of the ledger. */
const END: Started = { startedAt: '', job: '' };

export interface StatusLoopOptions {
  readonly status: StatusStore;
  readonly sources: RebuildSources;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Unlike that of any other process. */
  readonly owner: string;
  readonly refreshMs?: number;
}

/**
 * Keeps the status like the truth: each round compares the jobs that run, and after a loss of Redis' data writes back those that have ended.
 * Of several processes the one with the lock does it. Nothing waits for it, and nothing of it can stop a scan.
 */
export class StatusLoop {
  readonly #options: StatusLoopOptions;
  readonly #refreshMs: number;
  readonly #stopping = new AbortController();
  #awake = new AbortController();
  #running: Promise<void> | undefined;
  /** Why rounds fail at the moment: said once. */
  #trouble: string | undefined;
  /** Jobs listed nowhere, which the ledger has no account of (a workflow that was terminated): asked again later and later. */
  #doubts = new Map<string, { at: number; pauseMs: number }>();

  constructor(options: StatusLoopOptions) {
    this.#options = options;
    this.#refreshMs = options.refreshMs ?? REFRESH_MS;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something has changed (Redis is back): the next round comes at once. */
  nudge(): void {
    this.#awake.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#awake.abort();
    // Another process may go on at once; a round that is under way takes no step more.
    await this.#options.status.unlock(this.#options.owner).catch(() => undefined);
    await this.#running;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      try {
        await this.round();
        failures = 0;
        this.#say(undefined);
      } catch (error) {
        failures += 1;
        this.#say(error);
      }
      const pause =
        failures === 0 ? this.#refreshMs : Math.min(this.#refreshMs * 2 ** (failures - 1), LONGEST_PAUSE_MS);
      await sleep(pause, undefined, { signal: this.#awake.signal }).catch(() => undefined);
      if (!this.#stopped) this.#awake = new AbortController();
    }
  }

  /** One comparison. False: another process does it. */
  async round(): Promise<boolean> {
    const { status, sources, owner } = this.#options;
    if (!(await status.lock(owner, this.#refreshMs * LOCK_ROUNDS))) return false;
    const epoch = await status.epoch();
    const note = await status.rebuild();
    const here = note?.epoch === epoch ? note : undefined;
    const { running, unanswered, findings } = await writeRunning(
      status,
      sources,
      here?.done === true ? COMPARED_JOBS : undefined,
    );
    if (here?.done !== true) {
      const told = await this.#restore(epoch, here?.place);
      if (told !== undefined) {
        const facts = {
          running: running.size,
          unanswered: unanswered.length,
          ...told,
          findings: findings + told.findings,
        };
        this.#options.log.info(facts, 'the status was rebuilt from the workflows and the ledger');
      }
    }
    await this.#closeDoubtful(running);
    return true;
  }

  /** Writes back what has ended; undefined when it did not come to the end. */
  async #restore(epoch: string, from: Started | undefined): Promise<{ ended: number; findings: number } | undefined> {
    const { status, sources, owner } = this.#options;
    const onStep = async (place: Started): Promise<boolean> =>
      !this.#stopped &&
      (await status.lock(owner, this.#refreshMs * LOCK_ROUNDS)) &&
      (await status.noteRebuild({ epoch, place, done: false }));
    const { ended, findings, whole } = await writeEnded(status, sources, { from, onStep });
    if (!whole) return undefined;
    return (await status.noteRebuild({ epoch, place: END, done: true })) ? { ended, findings } : undefined;
  }

  async #closeDoubtful(running: ReadonlySet<string>): Promise<void> {
    const { status, sources } = this.#options;
    const now = Date.now();
    const open = (await status.open()).filter((job) => !running.has(job));
    this.#doubts = new Map(open.flatMap((job) => [[job, this.#doubts.get(job) ?? { at: now, pauseMs: 0 }] as const]));
    const due = open.filter((job) => (this.#doubts.get(job)?.at ?? 0) <= now).slice(0, DOUBTS_A_ROUND);
    for (const job of due) {
      const pauseMs = Math.min((this.#doubts.get(job)?.pauseMs || this.#refreshMs) * 2, 600_000);
      this.#doubts.set(job, { at: now + pauseMs, pauseMs });
    }
    for (const job of await closeEnded(status, sources, due)) this.#doubts.delete(job);
  }

  #say(error: unknown): void {
    const { log } = this.#options;
    const trouble = error === undefined ? undefined : error instanceof CodedError ? error.code : 'other';
    if (trouble === this.#trouble) return;
    if (trouble === undefined) log.info('the status is compared with the workflows again');
    else if (this.#trouble === undefined) {
      log.warn({ code: trouble }, `the status can't be compared with the workflows; scans go on: ${messageOf(error)}`);
    }
    this.#trouble = trouble;
  }
}
