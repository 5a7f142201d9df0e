import type { ItemRef, Version } from './item.ts';

/** What is done to a malicious item. */
export const ITEM_ACTIONS = ['nothing', 'delete', 'move', 'tag', 'movetag'] as const;
export type ItemAction = (typeof ITEM_ACTIONS)[number];

/** What an action row can tell of: an item action, or that one was undone. */
export const ROW_ACTIONS = [...ITEM_ACTIONS, 'restore'] as const;
export type RowAction = (typeof ROW_ACTIONS)[number];

/**
 * - `planned`: decided, not carried out (a dry run, or not yet begun)
 * - `awaiting-approval`: held by a brake
 * - `done`: the store confirms it
 * - `failed`: could not be carried out; the store's answer is in `code`
 * - `refused`: must not be carried out (another version is in place, a lease, a retention rule)
 */
export const ACTION_STATES = ['planned', 'awaiting-approval', 'done', 'failed', 'refused'] as const;
export type ActionState = (typeof ACTION_STATES)[number];
export type ActionCounts = Readonly<Record<ActionState, number>>;

export function noActions(): Record<ActionState, number> {
  return { planned: 0, 'awaiting-approval': 0, done: 0, failed: 0, refused: 0 };
}

export function addActions(a: ActionCounts, b: ActionCounts): ActionCounts {
  const sum = noActions();
  for (const state of ACTION_STATES) sum[state] = a[state] + b[state];
  return sum;
}

/**
 * Why an action was refused or failed, or how it was found done. Closed set.
 * - `applied`, `already_applied`: done now, or found done by an earlier attempt of the same intent
 * - `version_changed`: the item in place is not the version that was judged
 * - `not_found`: gone, and no intent of ours explains it
 * - `destination_taken`: another object is at the derived name
 * - `permission_denied`, `not_supported`, `leased`, `retained`, `storage_error`, `no_space`: what the store said
 * - `rejected`: a person decided that it is not to be done
 * - `too_many_waiting`: held by a brake, when the list of what waits for approval was full
 */
export type ActionCode =
  | 'applied'
  | 'already_applied'
  | 'version_changed'
  | 'not_found'
  | 'destination_taken'
  | 'permission_denied'
  | 'not_supported'
  | 'leased'
  | 'retained'
  | 'storage_error'
  | 'no_space'
  | 'rejected'
  | 'too_many_waiting';

/** Facts about the finding that travel with a quarantined or tagged item. */
export interface Provenance {
  readonly job: string;
  readonly connector: string;
  readonly verdict: string;
  readonly threatType?: string;
  readonly sha256: string;
  readonly scanId?: string;
  readonly standIn: boolean;
  /** When the item was judged, ISO 8601 in UTC. */
  readonly judgedAt: string;
}

/** What is to be done to which version of which item. Durable before the first change to the storage. */
export interface ActionIntent {
  /** `<job>/<page>:<ordinal>`: names the finding everywhere, also on the quarantined object. */
  readonly finding: string;
  readonly item: ItemRef;
  readonly judged: { readonly version: Version; readonly size: number };
  readonly action: Exclude<ItemAction, 'nothing'>;
  /** Name of the quarantined object, relative to the quarantine location; derived from the finding, never from the item's name. */
  readonly destination?: string;
  readonly provenance: Provenance;
  /** How many times in a row this location was listed again because it changed. */
  readonly rescans?: number;
}

/** One line of an action segment: points to an outcome row. */
export interface ActionRow {
  readonly finding: string;
  /** `page:ordinal` of the outcome row. */
  readonly item: string;
  readonly location: string;
  readonly locationBytes?: string;
  readonly action: RowAction;
  readonly state: ActionState;
  readonly code?: ActionCode;
  readonly note?: string;
  /** The version that was acted on (the judged one). */
  readonly version: Version;
  /** SHA-256 of the bytes that were judged, lower-case hex, and what the scanner called them. */
  readonly sha256?: string;
  readonly threat?: string;
  /** Where the item is now, as the connector names it (an absolute path, a key, a URL). */
  readonly destination?: string;
  /** Versions that this action itself made, so that they are not taken for somebody's change. */
  readonly made?: readonly Version[];
  /** How to undo it; understood by the connector's `restore`. Absent when it can't be undone. */
  readonly undo?: Readonly<Record<string, unknown>>;
  /** The rule or the person that ordered it. */
  readonly by: string;
  readonly at: string;
}
