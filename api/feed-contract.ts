import type { ActionRow } from '../domain/action.ts';
import type { Source } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { WatchHealth } from '../domain/watch.ts';
import type { JobResource } from './contract.ts';

/** A row of `GET /findings`: an outcome row of some job, with the latest row of its item action. With `fields` any member may be missing. */
export interface FindingResource extends OutcomeRow {
  readonly job: string;
  /** Id of the source. */
  readonly source: string;
  readonly action?: ActionRow;
}
export interface FindingQuery {
  readonly source?: string;
  /** ISO 8601. */
  readonly since?: string;
  readonly threat?: string;
  readonly action?: ActionRow['state'] | 'none';
  readonly limit?: number;
  readonly after?: string;
}
/** `GET /findings?source=&since=&threat=&action=&fields=&limit=&after=`. `next` may come with few rows, or none. */
export interface FindingList {
  readonly findings: readonly FindingResource[];
  /** Jobs whose findings can't be read: their ledgers are damaged. */
  readonly damaged?: readonly string[];
  readonly next?: string;
}

/** `GET /jobs/:job/ledger`. */
export interface JobLedgerAnswer {
  readonly job: string;
  readonly place: string;
  /** Final states, `unfinished`, or `damaged`. */
  readonly state: string;
  readonly commits: number;
  /** Hash of the newest commit; it is the `root` once the job has ended. */
  readonly head?: string;
  readonly root?: string;
  /** Commits that stand beside the chain: somebody wrote what does not belong there. */
  readonly rivals: number;
  readonly objects: number;
  readonly bytes: number;
  /** There are more objects than the 20,000 that were counted. */
  readonly partial: boolean;
  /** The command that proves the ledger, row by row. */
  readonly verify: string;
}

/** What `GET /events` tells of. */
export const FEED_TYPES = ['job', 'finding', 'connector'] as const;
export type FeedType = (typeof FEED_TYPES)[number];
/**
 * `GET /events?types=&job=&source=` (server-sent events; `id` resumes by `Last-Event-ID`). `open` comes first, without `Last-Event-ID`; `reset`:
 * events may have been lost, so read the lists again.
 */
export type FeedEvent =
  | { readonly type: 'open' }
  | { readonly type: 'reset' }
  | { readonly type: 'job'; readonly job: JobResource }
  | { readonly type: 'finding'; readonly job: string; readonly source: Source; readonly row: OutcomeRow }
  | { readonly type: 'connector'; readonly connector: string; readonly watch?: WatchHealth };
