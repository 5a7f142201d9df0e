import type { ScanJobState } from './state.ts';

/**
 * What a job carries over continue-as-new is one payload, of which Temporal takes 2 MiB: every list in it has a bound, at which
 * the work that feeds it waits. An entry of each is at most about 1 KiB (an index 0.3), a page handed back 8 KiB.
 */
const MOST_INDEXES = 800;
const MOST_RESULTS = 300;

/** Planning is far enough ahead of scanning, or of the commits. */
export function plannedEnough(state: ScanJobState): boolean {
  return state.ranges.length >= MOST_INDEXES || state.uncommitted.indexes.length >= MOST_RESULTS;
}

/** Scanning is far enough ahead of the commits, or of the item actions. */
export function scannedEnough(state: ScanJobState): boolean {
  return state.uncommitted.pages.length >= MOST_RESULTS || state.toPlan.length + state.toApply.length >= MOST_RESULTS;
}

/** Item actions are far enough ahead of the commits. */
export function actedEnough(state: ScanJobState): boolean {
  return state.uncommitted.actions.length >= MOST_RESULTS;
}
