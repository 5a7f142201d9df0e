import { condition } from '@temporalio/workflow';
import type { NextHours, OrchestratorActivities } from '../../activities/types.ts';
import { sameHours } from '../../domain/limits.ts';
import type { ScanJob } from './scan-job.ts';

/** The longest sleep, in milliseconds: time zones change their rules, and workers learn it by an update. */
const LONGEST_SLEEP_MS = 12 * 3_600_000;
/** Where nobody could tell, another worker is asked after this long, in milliseconds. */
const ASK_AGAIN_MS = 60_000;

/**
 * Keeps a job informed whether its hours are open: asks an activity (workflow code must not do arithmetic with time zones),
 * sleeps till the next change, and asks again; at once when the hours become others. One clock counts: Temporal's.
 */
export class HoursWatch {
  readonly #job: ScanJob;
  readonly #activities: Pick<OrchestratorActivities, 'nextHours'>;
  #watching = false;
  #asking = false;

  constructor(job: ScanJob, activities: Pick<OrchestratorActivities, 'nextHours'>) {
    this.#job = job;
    this.#activities = activities;
  }

  /** An activity is in flight. */
  get asking(): boolean {
    return this.#asking;
  }

  /** Begins to watch if there is something to watch and nobody does: returns the promise of its end, for somebody to own. */
  watch(): Promise<void> | undefined {
    if (this.#watching || !this.#needed) return undefined;
    this.#watching = true;
    return this.#loop();
  }

  get #needed(): boolean {
    const { limits, control, failure } = this.#job.state;
    return limits?.hours !== undefined && control !== 'cancelling' && failure === undefined;
  }

  async #loop(): Promise<void> {
    try {
      while (this.#needed) await this.#turn();
    } finally {
      this.#watching = false;
    }
  }

  async #turn(): Promise<void> {
    const hours = this.#job.state.limits?.hours;
    if (hours === undefined) return;
    const now = Date.now();
    const told = await this.#ask({ hours, now });
    const others = () => !sameHours(hours, this.#job.state.limits?.hours);
    if (others()) return;
    this.#job.hoursAre(told, now);
    await condition(() => others() || !this.#needed, sleepMs(told));
  }

  async #ask(input: Parameters<OrchestratorActivities['nextHours']>[0]): Promise<NextHours> {
    this.#asking = true;
    try {
      return await this.#activities.nextHours(input);
    } finally {
      this.#asking = false;
      this.#job.news = true;
    }
  }
}

/** Whole milliseconds, at least one. */
function sleepMs({ until, problem }: NextHours): number {
  if (problem !== undefined) return ASK_AGAIN_MS;
  const left = until === undefined ? LONGEST_SLEEP_MS : Math.ceil(until - Date.now());
  return Math.max(1, Math.min(left, LONGEST_SLEEP_MS));
}
