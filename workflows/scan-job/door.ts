import { CancellationScope, condition } from '@temporalio/workflow';
import { FAILURE, type ProbeResult } from '../../activities/types.ts';
import type { ScanJob } from './scan-job.ts';
import { Witnesses } from './witnesses.ts';

/** Pauses between the probes of a held job: they grow from the first to the last of these, in milliseconds. */
const FIRST_PROBE_MS = 2_000;
const LAST_PROBE_MS = 60_000;
/** So many good probes in a row after which no work was done hold the job all the same. */
const MAX_STRIKES = 3;

/** Milliseconds, whole ones: Temporal's timers take no others. */
export function probePause(failures: number): number {
  return Math.round(Math.min(FIRST_PROBE_MS * 1.5 ** failures, LAST_PROBE_MS));
}

/** The door to storage and scanner: who finds it closed, and the probes that tell when it is open. */
export class Door {
  readonly #job: ScanJob;
  readonly #ask: () => Promise<ProbeResult>;
  readonly #leaving: () => boolean;
  readonly #witnesses = new Witnesses();
  #scope: CancellationScope | undefined;

  /**
   * @param ask one probe, by some worker
   * @param leaving whether the run is to hand over: then it probes no more
   */
  constructor(job: ScanJob, ask: () => Promise<ProbeResult>, leaving: () => boolean) {
    this.#leaving = leaving;
    this.#job = job;
    this.#ask = ask;
  }

  /** Work of this worker went well. */
  open(worker: string | undefined): void {
    this.#witnesses.good(worker, Date.now());
  }

  /**
   * A worker found the door closed. Whether the job is held a probe decides, since that one worker may just be cut off; unless
   * probes went well several times, and still nothing was done.
   * @param atOnce whether it said so at once: a page that waited in front of the door has lost time enough
   */
  closed({ code, detail, worker }: { code: string; detail: string; worker?: string }, atOnce: boolean): void {
    this.#witnesses.bad(worker, Date.now());
    const now = new Date().toISOString();
    const inVain = (this.#job.state.strikes ?? 0) >= MAX_STRIKES && !this.#witnesses.someoneGetsOn(Date.now());
    if (inVain) this.#job.hold(code, detail, now);
    else this.#job.suspect(code, detail, now, atOnce);
  }

  /** Probes until what holds the job is gone, at growing pauses. @returns its end, or undefined when it is being probed already */
  probe(): Promise<void> | undefined {
    if (this.#scope !== undefined) return undefined;
    const scope = new CancellationScope();
    this.#scope = scope;
    return scope
      .run(() => this.#loop())
      .finally(() => {
        this.#scope = undefined;
        this.#job.news = true;
      });
  }

  /** No answer is waited for any more. */
  stop(): void {
    this.#scope?.cancel();
  }

  async #loop(): Promise<void> {
    // What was released before and did not go on is not asked again at once.
    const { strikes = 0 } = this.#job.state;
    if (strikes > 0) await this.#pause(probePause(strikes - 1));
    while (this.#job.mayProbe) {
      const probes = this.#job.state.hold?.probes ?? 0;
      const { ok, code, detail, worker } = await this.once();
      if (ok) this.#witnesses.good(worker, Date.now());
      else this.#witnesses.bad(worker, Date.now());
      if (ok || this.#othersGetOn) return this.#job.release();
      this.#job.stillHeld(code ?? FAILURE.hold, detail ?? '');
      if (this.#leaving()) return;
      await this.#pause(probePause(probes));
    }
  }

  /** One probe. */
  async once(): Promise<ProbeResult> {
    this.#job.probing = true;
    try {
      return await this.#ask();
    } finally {
      this.#job.probing = false;
      this.#job.news = true;
    }
  }

  /** A probe that failed holds nothing while other workers get on. A job that is held has no work that could prove it. */
  get #othersGetOn(): boolean {
    return this.#job.state.control === 'running' && this.#witnesses.someoneGetsOn(Date.now());
  }

  /** Ends early when nothing is to be probed any more. */
  async #pause(ms: number): Promise<void> {
    await condition(() => !this.#job.mayProbe, ms);
  }
}
