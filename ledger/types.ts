import type { ActionCounts } from '../domain/action.ts';
import type { Order } from '../domain/approval.ts';
import type { Incremental } from '../domain/incremental.ts';
import type { PageSpan } from '../domain/intake.ts';
import type { Coverage, FinalState, Gap, JobKind, ScanSettings, Source } from '../domain/job.ts';
import type { Counters } from '../domain/outcome.ts';
import type { RetryPlan, RetryTarget, Whole } from '../domain/retry.ts';

/** A write-once object of the ledger: its name below the job's folder, and the SHA-256 (hex) of its stored bytes. */
export interface ObjectRef {
  readonly name: string;
  readonly hash: string;
}

/** What makes an object's name unlike every other: nothing relies on conditional writes. */
export interface Writer {
  /** Temporal run id, activity id and attempt (0 and `-` where there is none). */
  readonly run: string;
  readonly activity: string;
  readonly attempt: number;
}

/** A page of a listing, as its index names it. */
export interface PageEntry {
  readonly page: string;
  readonly object: ObjectRef;
  readonly items: number;
  /** Sum of the listed sizes. */
  readonly bytes: number;
}

/** What one planning turn wrote: names its pages, and where the listing goes on. */
export interface IndexBody {
  readonly format: 1;
  readonly job: string;
  readonly lane: number;
  readonly epoch: number;
  /** The turn before, where there was one: along these names lies what the listing gave so far. */
  readonly after?: ObjectRef;
  readonly pages: readonly PageEntry[];
  readonly position: Readonly<Record<string, unknown>>;
  readonly done: boolean;
  /** Folders that could not be listed in this turn (at most 100 named; `count` is exact). */
  readonly gaps: {
    readonly count: number;
    readonly samples: readonly { readonly location: string; readonly detail: string }[];
  };
  readonly outside: number;
  /** Of what a remote connector pushed: the intake pages of which this turn took lines. */
  readonly intake?: readonly IntakeSpans[];
}

/** Intake pages of one writer. */
export interface IntakeSpans {
  readonly writer: string;
  readonly spans: readonly PageSpan[];
}

/** The result of a closed page, as a commit records it. */
export interface PageResult {
  readonly page: string;
  readonly listing: ObjectRef;
  readonly items: number;
  readonly segment: ObjectRef;
  readonly counters: Counters;
  /** Of a retry: counters of the rows that these replace. */
  readonly replaced?: Counters;
  /** Set when a cancelled job closed the page before every item had its row. */
  readonly partial?: true;
}

/** Action rows written by one activity. The last segment that names a finding tells its state. */
export interface ActionResult {
  readonly segment: ObjectRef;
  readonly counts: ActionCounts;
  /** The intents that were written before the first change, when there were any. */
  readonly intents?: ObjectRef;
}

/** First object of a job: what was asked for. */
export interface JobHeader {
  /** As of the progress. */
  readonly coverage?: Coverage;
  readonly format: 1;
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  readonly settings: ScanSettings;
  readonly actor: string;
  readonly startedAt: string;
  /** The items asked for, of a requested scan. */
  readonly intake?: ObjectRef;
  /** Of an on-access job: which part of its connector's events. */
  readonly shard?: number;
  /** Of an apply job: what it carries out, by whose word. */
  readonly order?: Order;
  /** What is retried, of a retry. Without `chain` it failed before anything was known, and retried nothing. */
  readonly retry?: RetryTarget & Partial<Pick<RetryPlan, 'chain'>>;
  /** Of a job that was started with an idempotency key: SHA-256 (hex) of what was asked for. */
  readonly bodyHash?: string;
}

/** Lies where a job would: an idempotency key that would have started it joined another job instead. */
export interface JobJoin {
  readonly format: 1;
  /** The job that was never begun. */
  readonly job: string;
  readonly joined: string;
  readonly bodyHash: string;
}

/** The account as the last commit of a job states it. */
export interface Account {
  readonly state: FinalState;
  readonly listed: number;
  readonly listedBytes: number;
  readonly listingDone: boolean;
  readonly outside: number;
  readonly counters: Counters;
  readonly actions: ActionCounts;
  readonly gaps: readonly Gap[];
  readonly failure?: { readonly code: string; readonly message: string };
  readonly endedAt: string;
  /** Of a retry: the first job and its retries together. */
  readonly whole?: Whole;
  /** The connector's fingerprint of the asset when the job began. */
  readonly fingerprint?: string;
  readonly pages?: { readonly listed: number; readonly closed: number };
  /** Of an incremental scan. */
  readonly incremental?: Incremental;
  /** Revision of the job's progress when the account was made: what is told from here never falls behind what was told before. */
  readonly revision?: number;
}

/** A commit: everything that counts since the one before. Its stored bytes are a pure function of this value. */
export interface CommitBody {
  readonly format: 1;
  readonly job: string;
  /** 1 for the first. */
  readonly number: number;
  /** Hash of the commit before; of the job's header object for the first. */
  readonly previous: string;
  readonly indexes: readonly ObjectRef[];
  readonly pages: readonly PageResult[];
  readonly actions: readonly ActionResult[];
  /** Sums over all commits so far, this one included. */
  readonly counters: Counters;
  /** Present in the last commit, whose hash is the job's root. */
  readonly account?: Account;
}
