import type { IdleReason, JobProgress } from '../../domain/job.ts';
import { addCounters, type Counters, noCounters } from '../../domain/outcome.ts';
import type { Account } from '../../ledger/types.ts';
import { accountOf } from './account.ts';
import { isOutsideHours } from './limit-rules.ts';
import type { ScanJobState } from './state.ts';

/**
 * What a job tells of itself.
 * @param open ids of the pages in flight
 * @param account of the last commit, once it is written
 */
export function progressOf(state: ScanJobState, open: readonly string[], account: Account | undefined): JobProgress {
  const { request, limits } = state;
  const idle = account === undefined ? idleOf(state) : undefined;
  return {
    job: request.job,
    kind: request.kind,
    source: request.source,
    settings: request.settings,
    ...(request.pushed !== undefined && { coverage: 'reported_by_connector' as const }),
    ...(request.retry !== undefined && { retry: request.retry }),
    ...(request.shard !== undefined && { shard: request.shard }),
    state: account?.state ?? state.control,
    ...(idle !== undefined && { idle }),
    ...(limits !== undefined && { limits }),
    ...(request.site !== undefined && { site: request.site }),
    actor: request.actor,
    startedAt: state.startedAt,
    ...(account !== undefined && { endedAt: account.endedAt }),
    revision: state.revision,
    listed: state.listed,
    listedBytes: state.listedBytes,
    listingDone: state.listing.done,
    outside: state.outside,
    counters: recorded(state),
    pages: { listed: state.pagesListed, open: open.length, closed: state.pagesClosed, inFlight: open },
    actions: state.actions,
    ...(request.order !== undefined && { order: request.order }),
    gaps: (account ?? accountOf(state, state.startedAt)).gaps,
    ...(account?.whole !== undefined && { whole: account.whole }),
    ...(state.incremental !== undefined && { incremental: state.incremental }),
    ...(state.failure !== undefined && { failure: state.failure }),
    ...(state.commit !== undefined && { commit: state.commit }),
  };
}

/** Whoever stopped the job is named first; the hours only keep a job that would work otherwise. */
function idleOf(state: ScanJobState): IdleReason | undefined {
  if (state.idle !== undefined || !isOutsideHours(state) || state.hours === undefined) return state.idle;
  const { since, until, problem } = state.hours;
  return {
    why: 'outside_hours',
    since,
    ...(until !== undefined && { until }),
    ...(problem !== undefined && { reason: problem }),
  };
}

/** Closed pages, and what the pages that wait for their next turn have so far. */
function recorded(state: ScanJobState): Counters {
  return state.returned.reduce(
    (sum, task) => addCounters(sum, task.checkpoint?.counters ?? noCounters()),
    state.closed,
  );
}
