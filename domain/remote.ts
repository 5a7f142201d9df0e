/** Of the events of a remote connector, this shard has what its full scans push; others have what it pushes by itself. */
export const PUSHED_SHARD = 9_999;

/** A job that a remote connector lists ends so long after the last push, once all is pushed, in milliseconds. */
export const QUIET_MS = 60_000;
/** Without a word that all is pushed it ends, with a gap, after so long a silence, in milliseconds. */
export const SILENCE_MS = 30 * 60_000;

/** States of a remote connector, as it tells them. */
export const REMOTE_STATES = ['ready', 'starting', 'stopped', 'failed'] as const;
export type RemoteState = (typeof REMOTE_STATES)[number];

/** What a remote connector said of itself when it registered, without what changes from one heartbeat to the next. */
export interface RemoteModel {
  readonly name: string;
  readonly display_name?: string;
  readonly meta_info?: string;
  /** Where it listens; requests go to this address, a slash and a name. No slash at its end. */
  readonly url: string;
  readonly item_action: string;
  readonly item_action_move_metainfo: string;
  readonly asset: string;
  readonly asset_display_name?: string;
  readonly filter: string;
}

/** A key of a remote connector. Its secret is derived from the id, so it is written down nowhere. */
export interface RemoteKey {
  readonly id: string;
  /** ISO 8601; absent: until it is replaced. */
  readonly until?: string;
}

/** One entry of the book of remote connectors: the newest of a connector counts. */
export interface RemoteEntry {
  readonly format: 1;
  /** UUID, lower-case. */
  readonly uuid: string;
  readonly at: string;
  /** Address that it registered from, for people. */
  readonly from?: string;
  readonly model: RemoteModel;
  /** It registered at an API that listens on loopback alone: it may itself listen there. */
  readonly local: boolean;
  /** It said goodbye. */
  readonly left: boolean;
  /** Newest first, at most two; empty without authentication. */
  readonly keys: readonly RemoteKey[];
}

/** What was pushed of an item: as much as is known of it before it is opened. */
export interface Told {
  /** The name shown to people (`metainfo`). */
  readonly name: string;
  readonly size?: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether this can be the id of a remote connector: a UUID, lower-case. */
export function isRemoteId(text: string): boolean {
  return UUID.test(text);
}

/** Any spelling of a UUID as ids are written here; undefined for what is none. */
export function remoteId(text: string): string | undefined {
  const id = text.toLowerCase();
  return isRemoteId(id) ? id : undefined;
}
