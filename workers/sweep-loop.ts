import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../domain/errors.ts';
import { ANSWER_KEPT_MS } from '../ledger/answers.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { sweepLedger } from '../ledger/sweep-ledger.ts';
import type { Log } from './log.ts';

/** Time between two sweeps of the ledger, in milliseconds. */
const EVERY_MS = 3_600_000;
/** The first one comes within so long of the start, at a moment of its own, so that processes do not all sweep at once. */
const FIRST_MS = 300_000;

export interface SweepLoopOptions {
  readonly ledger: Ledger;
  /** Whether a job that has no header yet still waits or runs. */
  readonly waits: (job: string) => Promise<boolean>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly everyMs?: number;
  readonly firstMs?: number;
}

/** Sweeps the strays of jobs that ended a day ago, and answers of an hour ago, again and again. Any number of processes may do so. */
export class SweepLoop {
  readonly #options: SweepLoopOptions;
  readonly #stopping = new AbortController();
  readonly #done = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: SweepLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS, firstMs = Math.round(Math.random() * FIRST_MS) } = this.#options;
    const { signal } = this.#stopping;
    for (let pause = firstMs; ; pause = everyMs) {
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await this.sweep();
    }
  }

  /** One sweep. What stands in its way is logged, and left to the next one. */
  async sweep(): Promise<void> {
    const { ledger, waits, log } = this.#options;
    try {
      await ledger.answers.sweep(Date.now() - ANSWER_KEPT_MS);
      await ledger.cursors.sweep();
      await ledger.remoteState.sweep();
      const { jobs, removed, bytes, unfinished, left } = await sweepLedger(ledger, {
        waits,
        done: this.#done,
        signal: this.#stopping.signal,
        onDamage: (job, { code, message }) =>
          log.warn({ job, code }, `the strays of this job stay, because its ledger is damaged: ${message}`),
      });
      if (jobs > 0) log.info({ jobs, removed, bytes, unfinished }, 'strays were swept from the ledger');
      if (left > 0) log.warn({ left }, 'strays stay in the ledger: its store lets nothing be removed');
    } catch (error) {
      log.warn(`the ledger could not be swept; it is tried again: ${messageOf(error)}`);
    }
  }
}
