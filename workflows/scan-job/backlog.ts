import type { ScanJobState } from './state.ts';

/**
 * Planning waits while so many indexes have pages that nobody scans yet: a slow storage gives one page a turn, and each
 * index is carried over continue-as-new (some 230 bytes; a payload may have 2 MiB). At most 250 million items ahead.
 */
const INDEXES_AHEAD = 1_000;
/** Scanning waits while the findings of so many pages wait to be acted on (up to 600 bytes each). */
const PAGES_BEHIND = 1_000;
/** So many results of any one kind make a commit due. */
const COMMIT_EVERY = 100;

export function mayPlanAhead({ ranges }: ScanJobState): boolean {
  return ranges.length < INDEXES_AHEAD;
}

export function actionsKeepUp({ toPlan, toApply }: ScanJobState): boolean {
  return toPlan.length + toApply.length < PAGES_BEHIND;
}

export function isCommitDue({ indexes, pages, actions }: ScanJobState['uncommitted']): boolean {
  return Math.max(indexes.length, pages.length, actions.length) >= COMMIT_EVERY;
}
