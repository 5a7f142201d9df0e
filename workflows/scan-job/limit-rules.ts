import type { NextHours } from '../../activities/types.ts';
import { changedLimits, limitsFault, limitsOf, sameHours, sameLimits } from '../../domain/limits.ts';
import { type LimitsRequest, REFUSAL, type StartRequest } from '../messages.ts';
import type { ScanJobState } from './state.ts';

/**
 * How the limits of a job change, and what its hours mean. Each rule changes the state in place and tells whether anything
 * changed. Hours are closed to work until somebody has told that they are open.
 */

/** What a job begins with. Limits that can't be fail it: a start has no validator, and no limit at all is not what was asked. */
export function limitsAtStart(request: StartRequest, now: string): Pick<ScanJobState, 'limits' | 'failure'> {
  if (request.limits === undefined) return {};
  const fault = limitsFault(request.limits);
  if (fault !== undefined) {
    return { failure: { code: REFUSAL.limitsInvalid, message: `limits: ${fault.field}: ${fault.message}` } };
  }
  return { limits: { ...changedLimits({}, request.limits), by: request.actor, since: now } };
}

export function setLimits(state: ScanJobState, request: LimitsRequest, now: string): boolean {
  if (state.control === 'cancelling') return false;
  const before = limitsOf(state.limits ?? {});
  const after = changedLimits(before, request.limits);
  if (sameLimits(before, after)) return false;
  const { actor, reason } = request;
  state.limits = { ...after, by: actor, ...(reason !== undefined && { reason }), since: now };
  if (!sameHours(before.hours, after.hours)) hoursChanged(state);
  return true;
}

/** What was known of other hours says nothing about these; what runs, runs on until it is known. */
function hoursChanged(state: ScanJobState): void {
  delete state.hours;
}

/** The hours were asked for: they are as told, at `now` (Unix time in milliseconds). */
export function hoursAre(state: ScanJobState, told: NextHours, now: number): boolean {
  if (state.limits?.hours === undefined) return false;
  const { open, problem } = told;
  const until = told.until === undefined ? undefined : new Date(told.until).toISOString();
  const before = state.hours;
  if (before?.open === open && before.until === until && before.problem === problem) return false;
  state.hours = {
    open,
    since: before?.open === open ? before.since : new Date(now).toISOString(),
    ...(until !== undefined && { until }),
    ...(problem !== undefined && { problem }),
  };
  return true;
}

/** Work that runs must stop for the hours. */
export function isOutsideHours(state: ScanJobState): boolean {
  return state.limits?.hours !== undefined && state.hours?.open === false;
}

/** Work may begin, as far as the hours go. */
export function isInsideHours(state: ScanJobState): boolean {
  return state.limits?.hours === undefined || state.hours?.open === true;
}
