import type { OutcomeRow } from '../domain/outcome.ts';

/** How many changes the status keeps: the last ones, or somewhat more. Whoever comes back behind the oldest must read the lists again. */
export const KEPT_CHANGES = 10_000;
/** The place before every change. */
export const FIRST_PLACE = '0-0';

/** That a job, its findings or a watched connector changed. Jobs and connectors are only named: what they are now is to be looked up. */
export type Change =
  | { readonly id: string; readonly type: 'job'; readonly job: string }
  | { readonly id: string; readonly type: 'finding'; readonly job: string; readonly row: OutcomeRow }
  | { readonly id: string; readonly type: 'connector'; readonly connector: string };

export interface Changes {
  /** In order, oldest first. */
  readonly changes: readonly Change[];
  /** False when the place that was asked for is not known (any more): changes behind it may be lost. */
  readonly kept: boolean;
}

/** Everything that changed, in one order. */
export interface ChangeLog {
  /** The place of the newest change; FIRST_PLACE when there is none. */
  changePlace(): Promise<string>;
  /** Changes behind a place, at most `limit`. */
  changes(after: string, limit: number): Promise<Changes>;
}

/** Two places in order: below 0 when `a` comes first. */
export function comparePlaces(a: string, b: string): number {
  const [aMs = 0, aNumber = 0] = a.split('-').map(Number);
  const [bMs = 0, bNumber = 0] = b.split('-').map(Number);
  return aMs - bMs || aNumber - bNumber;
}
