import type { OpenedRetry, PlannedTurn } from '../../activities/types.ts';
import { addCounters, noCounters } from '../../domain/outcome.ts';
import type { PageResult } from '../../ledger/types.ts';
import type { ScanJobState } from './state.ts';

/** What a retry builds on is known. */
export function beginRetry(state: ScanJobState, opened: OpenedRetry): void {
  state.retry = { ...opened, selected: 0, replaced: noCounters() };
}

/** A planning turn listed items because their rows were selected. */
export function selected({ retry }: ScanJobState, turn: PlannedTurn): void {
  if (retry !== undefined) retry.selected += turn.items;
}

/** The rows of a closed page replace others. */
export function replaced({ retry }: ScanJobState, page: PageResult): void {
  if (retry !== undefined && page.replaced !== undefined) retry.replaced = addCounters(retry.replaced, page.replaced);
}
