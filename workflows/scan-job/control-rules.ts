import type { ControlRequest } from '../messages.ts';
import type { ScanJobState } from './state.ts';

/**
 * How a job's control moves between `running`, `paused`, `held` and `cancelling`. Each rule changes the state in place and
 * tells whether anything changed; repeating a request changes nothing.
 *
 * | from | pause | resume | cancel | hold, or a probe that fails | release |
 * | --- | --- | --- | --- | --- | --- |
 * | running | paused | | cancelling | held | |
 * | paused | | running, or held while the hold stands | cancelling | (remembered) | |
 * | held | paused | | cancelling | | running |
 * | cancelling | | | | | |
 */

export function pause(state: ScanJobState, request: ControlRequest, now: string): boolean {
  if (state.control === 'cancelling' || state.control === 'paused') return false;
  state.control = 'paused';
  state.idle = { why: 'paused', by: request.actor, ...reasonOf(request), since: now };
  return true;
}

export function resume(state: ScanJobState, now: string): boolean {
  if (state.control !== 'paused') return false;
  if (state.hold !== undefined) return enterHold(state, state.hold.code, state.hold.detail, now);
  state.control = 'running';
  delete state.idle;
  return true;
}

export function cancel(state: ScanJobState, request: ControlRequest, now: string): boolean {
  if (state.control === 'cancelling') return false;
  state.control = 'cancelling';
  state.idle = { why: 'cancelling', by: request.actor, ...reasonOf(request), since: now };
  return true;
}

export function hold(state: ScanJobState, code: string, detail: string, now: string): boolean {
  // What keeps a cancelled job from its end is told; nothing is held any more.
  if (state.control === 'cancelling') {
    state.idle = { ...state.idle, why: 'cancelling', reason: `${code}: ${detail}` };
    return true;
  }
  state.hold = { code, detail, since: state.hold?.since ?? now, probes: state.hold?.probes ?? 0 };
  return state.control === 'running' && enterHold(state, code, detail, now);
}

export function suspect(state: ScanJobState, code: string, detail: string, now: string, stops: boolean): boolean {
  if (state.control !== 'running') return false;
  if (state.hold !== undefined && (state.hold.stops === true || !stops)) return false;
  state.hold = { code, detail, since: now, probes: 0, stops };
  return true;
}

export function stillHeld(state: ScanJobState, code: string, detail: string): boolean {
  const { hold: held } = state;
  if (held === undefined) return false;
  state.hold = { ...held, code, detail, probes: held.probes + 1 };
  if (state.control === 'running' || state.control === 'held') enterHold(state, code, detail, held.since);
  return true;
}

export function release(state: ScanJobState): boolean {
  const held = state.hold !== undefined;
  if (held) state.strikes = (state.strikes ?? 0) + 1;
  delete state.hold;
  if (state.control !== 'held') return held;
  state.control = 'running';
  delete state.idle;
  return true;
}

function enterHold(state: ScanJobState, code: string, detail: string, since: string): true {
  state.control = 'held';
  state.idle = { why: 'held', reason: `${code}: ${detail}`, since };
  return true;
}

function reasonOf(request: ControlRequest): { reason?: string } {
  return request.reason === undefined ? {} : { reason: request.reason };
}
