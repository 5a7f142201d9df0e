import type { FinalState, Gap } from '../../domain/job.ts';
import { type Whole, wholeAfter } from '../../domain/retry.ts';
import type { Account } from '../../ledger/types.ts';
import type { RetryState, ScanJobState } from './state.ts';

/** The account of a job as its state has it: once the job is over, the account of the last commit. */
export function accountOf(state: ScanJobState, now: string): Account {
  const gaps = gapsOf(state);
  return {
    state: finalStateOf(state, gaps),
    listed: state.listed,
    listedBytes: state.listedBytes,
    listingDone: state.listing.done,
    outside: state.outside,
    counters: state.closed,
    actions: state.actions,
    gaps,
    ...(state.failure !== undefined && { failure: state.failure }),
    endedAt: now,
    ...(state.retry !== undefined && { whole: wholeWith(state, state.retry, gaps) }),
    ...(state.opened !== undefined && { fingerprint: state.opened.fingerprint }),
    pages: { listed: state.pagesListed, closed: state.pagesClosed },
    ...(state.incremental !== undefined && { incremental: state.incremental }),
    revision: state.revision,
  };
}

function wholeWith(state: ScanJobState, retry: RetryState, gaps: readonly Gap[]): Whole {
  const { job } = state.request;
  const added = state.listed - retry.selected;
  return wholeAfter(retry.before, { job, added, counters: state.closed, replaced: retry.replaced, gaps });
}

function finalStateOf(state: ScanJobState, gaps: readonly Gap[]): FinalState {
  if (state.failure !== undefined) return 'failed';
  if (state.control === 'cancelling') return 'cancelled';
  return gaps.length > 0 ? 'completed_with_gaps' : 'completed';
}

/** Everything that the scan could not cover, by class. */
function gapsOf(state: ScanJobState): Gap[] {
  const { outcomes } = state.closed;
  const gaps: Gap[] = [];
  for (const outcome of ['failed', 'unscannable', 'inconclusive'] as const) {
    if (outcomes[outcome] > 0) gaps.push({ class: outcome, count: outcomes[outcome] });
  }
  // What the listing of an on-access job can't read are pages of events.
  const live = state.request.kind === 'on-access';
  if (state.folderGaps > 0 && !live) gaps.push({ class: 'folder_unreadable', count: state.folderGaps });
  if (state.broken !== undefined) {
    gaps.push({ class: 'listing_broken', count: 1, detail: `${state.broken.code}: ${state.broken.message}` });
  }
  const dropped = (state.dropped ?? 0) + (live ? state.folderGaps : 0);
  if (dropped > 0) gaps.push({ class: 'events_dropped', count: dropped });
  if (state.unresolved > 0) gaps.push({ class: 'action_failed', count: state.unresolved });
  const waiting = waitingActions(state);
  if (waiting > 0) gaps.push({ class: 'action_waiting', count: waiting });
  return [...gaps, ...assetGaps(state)];
}

/** Findings whose action was not begun, or waits for approval. */
function waitingActions(state: ScanJobState): number {
  const unplanned = state.toPlan.reduce((sum, page) => sum + page.counters.outcomes.malicious, 0);
  const unapplied = state.toApply.reduce((sum, batch) => sum + batch.end - batch.next, 0);
  const ordered = state.toGather ? (state.request.order?.findings ?? 0) : 0;
  return unplanned + unapplied + ordered + state.actions['awaiting-approval'];
}

/** An asset that lists nothing, or lies elsewhere, where the last scan found items: perhaps a mount that is missing. */
function assetGaps(state: ScanJobState): Gap[] {
  const previous = state.opened?.previous;
  if (previous === undefined || previous.listed === 0 || state.request.kind !== 'full') return [];
  const before = `the last scan (${previous.job}) listed ${previous.listed} items`;
  const gaps: Gap[] = [];
  if (state.listing.done && state.listed === 0) gaps.push({ class: 'empty_asset', count: 1, detail: before });
  if (previous.fingerprint !== undefined && previous.fingerprint !== state.opened?.fingerprint) {
    gaps.push({ class: 'other_device', count: 1, detail: `${before} in another place` });
  }
  return gaps;
}
