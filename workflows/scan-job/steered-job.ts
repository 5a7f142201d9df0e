import type { NextHours } from '../../activities/types.ts';
import type { ControlRequest, LimitsRequest } from '../messages.ts';
import * as control from './control-rules.ts';
import * as limits from './limit-rules.ts';
import type { ScanJobState } from './state.ts';

/** What steers a job, by its state alone: control, holds, limits and hours. Deterministic, knows nothing of Temporal. */
export abstract class SteeredJob {
  readonly state: ScanJobState;
  /** Set by every change; the driver clears it. */
  news = true;

  constructor(state: ScanJobState) {
    this.state = state;
  }

  get id(): string {
    return this.state.request.job;
  }

  pause(request: ControlRequest, now: string): void {
    if (control.pause(this.state, request, now)) this.changed();
  }

  resume(now: string): void {
    if (control.resume(this.state, now)) this.changed();
  }

  cancel(request: ControlRequest, now: string): void {
    if (control.cancel(this.state, request, now)) this.changed();
  }

  setLimits(request: LimitsRequest, now: string): void {
    if (limits.setLimits(this.state, request, now)) this.changed();
  }

  /** What was asked about the hours at `now` (Unix time in milliseconds). */
  hoursAre(told: NextHours, now: number): void {
    if (limits.hoursAre(this.state, told, now)) this.changed();
  }

  /** Nothing goes on until somebody mends it, or a probe finds it mended. */
  hold(code: string, detail: string, now: string): void {
    if (control.hold(this.state, code, detail, now)) this.changed();
  }

  /**
   * Something may stand in the way: a probe decides whether the job is held (`stillHeld`) or not (`release`).
   * @param stops whether nothing is to be begun until then
   */
  suspect(code: string, detail: string, now: string, stops: boolean): void {
    if (control.suspect(this.state, code, detail, now, stops)) this.changed();
  }

  /** A probe failed again. */
  stillHeld(code: string, detail: string): void {
    if (control.stillHeld(this.state, code, detail)) this.changed();
  }

  /** The cause is gone. */
  release(): void {
    if (control.release(this.state)) this.changed();
  }

  /** The job can't go on at all: what it did is accounted for. */
  fail(code: string, message: string): void {
    this.state.failure ??= { code, message };
    this.changed();
  }

  /** True while pages must not run: paused, held, cancelling, failed, outside the hours. */
  get mustStop(): boolean {
    return this.state.control !== 'running' || this.state.failure !== undefined || limits.isOutsideHours(this.state);
  }

  /** The job is held, or may have to be, and nothing stands against looking whether it still must. */
  get mayProbe(): boolean {
    const { hold, control: now, failure } = this.state;
    const asked = hold !== undefined && (now === 'running' || now === 'held') && failure === undefined;
    return asked && limits.isInsideHours(this.state);
  }

  protected changed(): void {
    this.state.revision += 1;
    this.news = true;
  }
}
