import type { Source } from '../domain/job.ts';
import type { LastEvent, WatchCounts } from '../domain/watch.ts';
import type { ObjectRef } from '../ledger/types.ts';

/** One turn of asking a source: until its time is over, or it is cancelled. */
export interface WatchFeedInput {
  readonly connector: string;
  readonly source: Source;
  /** Where the source goes on; absent at the beginning, and for sources that remember by themselves. */
  readonly cursor?: ObjectRef;
  /** Milliseconds. */
  readonly turnMs: number;
  /** After a failure: the turn ends with the first answer, so that health tells soon. */
  readonly probe?: true;
}
/** What a turn came to so far: goes by heartbeat too. The cursor stands behind what was handed over for good. */
export interface WatchFeedState {
  readonly cursor?: ObjectRef;
  readonly counts: WatchCounts;
  readonly lastEvent?: LastEvent;
  readonly answeredAt?: string;
  /** The source could not go on where it was: events may be missing, which a sweep must find. */
  readonly missed?: true;
}
export interface WatchFeedResult extends WatchFeedState {
  /** Why it ended before its time. `hold`: nothing goes on until somebody mends it. */
  readonly failure?: {
    readonly code: string;
    readonly detail: string;
    readonly hold: boolean;
    readonly retryAfterMs?: number;
  };
}

/** What a storage was told, so that it notifies us. */
export interface Subscription {
  readonly id: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}
export interface KeepSubscriptionInput {
  readonly connector: string;
  readonly source: Source;
  /** `keep`: make one, or renew the one that is there; `reauthorize`: as the storage wants it; `remove`: at the end. */
  readonly action: 'keep' | 'reauthorize' | 'remove';
  readonly subscription?: Subscription;
}
/** Absent after `remove`. */
export interface KeptSubscription {
  readonly subscription?: Subscription;
}

/** Activities of the task queue `dsx.watch`. */
export interface WatchActivities {
  watchFeed(input: WatchFeedInput): Promise<WatchFeedResult>;
  keepSubscription(input: KeepSubscriptionInput): Promise<KeptSubscription>;
}
