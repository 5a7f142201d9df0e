import type { SweepReport, WatchHealth } from '../../domain/watch.ts';

/** Times are Unix time in milliseconds. */
export interface SweepsState {
  dueAt?: number;
  runningSince?: number;
  last?: SweepReport;
  /** Sum of what sweeps found. */
  found: number;
  /** Somebody wants one now. */
  asked?: true;
}

/** Where another scan ran, it is tried again after this long at most. */
const AGAIN_MS = 3_600_000;
/** Sweeps that are asked for (something was missed) come at least so far apart. */
const HASTE_MS = 600_000;

/** When the sweeps of a connector come, and what they found. */
export class Sweeps {
  readonly state: SweepsState;

  constructor(state: SweepsState) {
    this.state = state;
  }

  /** @param every seconds; undefined: no sweeps */
  plan(every: number | undefined, now: number): void {
    if (every === undefined) delete this.state.dueAt;
    else this.state.dueAt = Math.min(this.state.dueAt ?? Number.POSITIVE_INFINITY, now + every * 1000);
  }

  /** Something was missed: the next sweep comes at once, unless one has just been. */
  hasten(now: number): void {
    if (this.state.dueAt === undefined) return;
    const last = this.state.last === undefined ? 0 : Date.parse(this.state.last.at);
    this.state.dueAt = Math.min(this.state.dueAt, Math.max(now, last + HASTE_MS));
  }

  get asked(): boolean {
    return this.state.asked === true;
  }

  /** False: one runs, or was asked for already. */
  ask(): boolean {
    if (this.asked || this.state.runningSince !== undefined) return false;
    this.state.asked = true;
    return true;
  }

  dueIn(now: number): number | undefined {
    return this.state.dueAt === undefined ? undefined : Math.max(0, this.state.dueAt - now);
  }

  /** One that never tells its end (it was terminated) is begun anew when the next would be due. */
  begun(every: number | undefined, now: number, anew: boolean): void {
    delete this.state.asked;
    this.state.runningSince = anew ? now : (this.state.runningSince ?? now);
    this.#next(every, now);
  }

  ended(report: SweepReport, every: number | undefined, now: number): void {
    delete this.state.runningSince;
    this.state.last = report;
    this.state.found += report.found ?? 0;
    this.#next(every, now);
    if (report.outcome === 'swept' || this.state.dueAt === undefined) return;
    this.state.dueAt = Math.min(this.state.dueAt, now + AGAIN_MS);
  }

  #next(every: number | undefined, now: number): void {
    if (every === undefined) delete this.state.dueAt;
    else this.state.dueAt = now + every * 1000;
  }

  health(every: number): NonNullable<WatchHealth['sweep']> {
    const { dueAt, runningSince, last, found } = this.state;
    return {
      every,
      ...(dueAt !== undefined && { nextAt: new Date(dueAt).toISOString() }),
      ...(runningSince !== undefined && { runningSince: new Date(runningSince).toISOString() }),
      ...(last !== undefined && { last }),
      found,
    };
  }
}
