import type { ActionRow, ItemAction } from '../domain/action.ts';
import type { AllowEntry } from '../domain/allow.ts';
import type { Verdict } from '../domain/approval.ts';
import type { JobProgress, LiveFigures, Source } from '../domain/job.ts';
import type { Limits, LimitsChange } from '../domain/limits.ts';
import type { Outcome, OutcomeRow } from '../domain/outcome.ts';
import type { RetriableOutcome } from '../domain/retry.ts';
import type { QuarantinedItem } from '../ledger/quarantined-item.ts';

export type * from './access-contract.ts';
export * from './feed-contract.ts';
export type * from './schedule-contract.ts';
export type * from './storage-contract.ts';

/** The JSON that travels between the API and its clients. Every path is below this prefix. */
export const API_PREFIX = '/dsx-connect/api/v1';
/** The header `Idempotency-Key` of starts: visible ASCII, so that a key is the same everywhere. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** `POST /jobs`. Exactly one of `connector` and `folder`. */
export interface StartJobBody {
  readonly connector?: string;
  /** Absolute path. Only served where folder scans are switched on (the default on loopback, off elsewhere). */
  readonly folder?: string;
  readonly filter?: string;
  readonly action?: ItemAction;
  readonly quarantine?: string;
  readonly dryRun?: boolean;
  readonly maxSize?: number;
  /** Share of the workers beside other jobs, 0.1 to 100; default 1. A scan that is joined keeps its own. */
  readonly weight?: number;
  /** Name of the scanner; default: the configured one, `dsxa`. `standin` where the stack has one. */
  readonly scanner?: string;
  /** What bounds the scan from its begin on. Not a setting: a start that joins a scan leaves its limits as they are. */
  readonly limits?: Limits;
  /** Item actions that the source's jobs may carry out in the window without anybody's approval; 0: none. Default: the connector's. */
  readonly maxActions?: number;
  /** Seconds; default a day. */
  readonly maxActionsWindow?: number;
  /** Skips what is unchanged since it was judged clean (docs/incremental.md). */
  readonly incremental?: boolean;
  /** Only with `incremental`: seconds after which unchanged items are scanned again all the same; default 30 days. */
  readonly rescanAfter?: number;
}

/** Answer: 201 when this request started the scan, 200 when it joined one. 409 `scan_running` with `job` when refused. */
export interface StartJobAnswer {
  readonly job: string;
  /** Another request's scan of the same source with equal settings was joined. */
  readonly joined: boolean;
  /** The `Idempotency-Key` had been used before for the same request: nothing was started, and the job may have ended. */
  readonly repeated?: true;
  readonly links: { readonly self: string; readonly events: string; readonly temporal?: string };
}

/**
 * `POST /jobs/:job/retry`; the body may be left out. Whose rows are retried: those with one of `outcomes` (default `failed`; `all`:
 * every outcome that can be), one of `classes`, and a location that begins with `prefix`, each item by its newest row. The other
 * settings are the job's own unless they are given. Answer as of `POST /jobs`; 409 `nothing_to_retry` starts nothing.
 */
export interface RetryJobBody {
  readonly outcomes?: readonly RetriableOutcome[];
  readonly all?: boolean;
  readonly classes?: readonly string[];
  readonly prefix?: string;
  readonly action?: ItemAction;
  readonly quarantine?: string;
  readonly dryRun?: boolean;
  readonly scanner?: string;
}

/** `GET /jobs/:job`. `live` is missing when Redis is; `source` of the figures is then `temporal` or `ledger`. */
export interface JobResource extends JobProgress {
  readonly live?: LiveFigures;
  readonly from: 'status' | 'temporal' | 'ledger';
  /** Where the job's ledger lies, as the API names it. */
  readonly ledger: string;
  /** Root hash once the state is final. */
  readonly root?: string;
  /** Later retries of the same chain that have ended, in order. With them `whole` is the account of all together, as it is now. */
  readonly retriedBy?: readonly string[];
  /** The retry after which nothing was left. */
  readonly closedBy?: string;
}

/** A source of `GET /jobs` that could not be asked: the others answered. */
export const DEGRADED = ['status_down', 'temporal_unreachable', 'ledger_unavailable'] as const;
export type Degraded = (typeof DEGRADED)[number];

/** `GET /jobs?source=&state=&kind=&limit=&after=`: newest first; states and kinds with commas. A page of a filtered list may have few jobs, or none, and `next`. */
export interface JobList {
  readonly jobs: readonly JobResource[];
  /** Present while there may be more: give it as `after`. */
  readonly next?: string;
  /** Present when a source could not be asked: figures may be old, and without Temporal and the ledger jobs may be missing. */
  readonly degraded?: readonly Degraded[];
  /** Jobs that run, of which nothing more is known: no worker answers for them. */
  readonly unanswered?: readonly string[];
}

/** `POST /jobs/rebuild`: the status was written anew from the workflows and the ledger. */
export interface RebuildAnswer {
  /** Jobs written from their workflows, and from the ledger's accounts (those that ended within the retention, of the newest 1,000). */
  readonly running: number;
  readonly ended: number;
  /** Findings that were put back. */
  readonly findings: number;
  /** Jobs that run, for which no worker answered: what the ledger knows of them was written. */
  readonly unanswered: readonly string[];
  readonly seconds: number;
}

/** `GET /jobs/:job/outcomes?outcome=&prefix=&reason=&limit=&after=`: in the order of items; only closed pages. */
export interface OutcomePage {
  readonly rows: readonly OutcomeRow[];
  readonly next?: string;
}

/** `GET /jobs/:job/actions?state=&limit=&after=`. */
export interface ActionPage {
  readonly rows: readonly ActionRow[];
  readonly next?: string;
}

/**
 * `GET /jobs/:job/events` (server-sent events; `id` resumes by `Last-Event-ID`):
 * `progress` whenever the figures changed (at most twice a second), `finding` for each finding row of a page that closed,
 * `end` with the final resource, after which the server closes.
 */
export type JobEvent =
  | { readonly type: 'progress'; readonly job: JobResource }
  | { readonly type: 'finding'; readonly row: OutcomeRow }
  | { readonly type: 'end'; readonly job: JobResource };

/** `POST /scan` with JSON: items of a connector. `waitSeconds` (0–300) waits for the outcomes. */
export interface ScanItemsBody {
  readonly connector: string;
  readonly items: readonly { readonly location: string; readonly locationBytes?: string }[];
  readonly action?: ItemAction;
  /** Name of the scanner; default: the connector's, else `dsxa`. */
  readonly scanner?: string;
  readonly waitSeconds?: number;
}
export interface ScanItemsAnswer {
  readonly job: string;
  /** As of `POST /jobs`. */
  readonly repeated?: true;
  readonly state: JobProgress['state'];
  /** Present once the job has ended within the wait. */
  readonly rows?: readonly OutcomeRow[];
  readonly links: { readonly self: string };
}

/** `POST /scan?scanner=` with `application/octet-stream`: the verdict on these bytes, which are never stored. */
export interface ScanBodyAnswer {
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly sha256: string;
  readonly size: number;
  readonly verdict: OutcomeRow['verdict'];
  readonly standIn: boolean;
}

/** Every error (RFC 9457). `code` is stable; `detail` is for people. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly [extra: string]: unknown;
}

/** `POST /jobs/:job/pause|resume|cancel`. The body may be left out. */
export interface ControlBody {
  readonly reason?: string;
}
/** `POST /jobs/:job/limits`: what is absent stays, `null` takes a limit away. At least one of them. */
export interface LimitsBody extends LimitsChange {
  readonly reason?: string;
}
/** Answer: the job as it is now. `cancelling` until no page can start a scan any more. */
export interface ControlJobAnswer {
  readonly job: string;
  readonly state: JobProgress['state'];
  readonly idle?: JobProgress['idle'];
  readonly limits?: JobProgress['limits'];
  /** After a cancel that was acknowledged: what was done till then. Nothing more is scanned. */
  readonly done?: Pick<JobProgress, 'listed' | 'listingDone' | 'counters' | 'actions'>;
  readonly revision: number;
  readonly links: { readonly self: string };
}

/** `GET /healthz`: the process answers. Needs no key. */
export interface HealthAnswer {
  readonly status: 'alive';
}

/** `GET /readyz`: 200 when every needed dependency works, else 503 with the same body. */
export interface ReadyAnswer {
  readonly ready: boolean;
  /** The same for clients of the former product, as are `redis` and `registry`. */
  readonly status: 'ready' | 'not_ready';
  readonly redis: 'ok' | 'unavailable';
  readonly registry: 'ok';
  readonly checks: readonly ReadyCheck[];
}
export interface ReadyCheck {
  readonly name: 'temporal' | 'redis' | 'ledger' | 'scanner' | 'workers' | 'fairness' | 'results';
  /** `off`: not configured, which is allowed. `problem` of a check that is not `needed` leaves the service ready. */
  readonly state: 'ok' | 'problem' | 'off';
  readonly needed: boolean;
  readonly detail: string;
}

/** `GET /meta`. `GET /version` is the version alone, a JSON string. */
export interface VersionAnswer {
  readonly name: string;
  readonly version: string;
  readonly node: string;
  /** When this version was made, ISO 8601. */
  readonly build_timestamp?: string;
  /** Names of the scanners that jobs may name, and which of them are stand-ins. */
  readonly scanners: readonly { readonly name: string; readonly standIn: boolean }[];
}

/** `GET` or `POST /test/dsxa-connection?scanner=`: 200 also when the scanner is not reachable; `ok` tells. */
export interface ScannerCheckAnswer {
  readonly scanner: string;
  readonly ok: boolean;
  readonly code?: string;
  readonly detail: string;
  readonly standIn: boolean;
  readonly elapsedMs: number;
  /** The same for clients of the former product, as is what follows. */
  readonly status: 'success' | 'error';
  readonly message: string;
  readonly description: string | null;
  readonly id: null;
  readonly preview: null;
}

/** `POST /jobs/:job/apply`: carries out what a dry run planned. The answer is that of `POST /jobs`. */
export interface ApplyBody {
  /** Only these (`page:ordinal`, or with the job before it); default: all that was planned. */
  readonly findings?: readonly string[];
  /** Tells what would be done by now, and touches nothing. */
  readonly dryRun?: boolean;
  readonly maxActions?: number;
  readonly maxActionsWindow?: number;
}

/** `GET /approvals`. */
export interface ApprovalList {
  readonly sources: readonly {
    readonly source: Source;
    /** Findings that wait. */
    readonly waiting: number;
    /** Since when the first of them waits. */
    readonly since?: string;
    /** When somebody decided last. */
    readonly decided?: string;
  }[];
}

/** A finding that waits for approval. */
export interface WaitingFinding {
  readonly sequence: number;
  /** The job that waits with it; the one that found it is named in `finding`. */
  readonly job: string;
  readonly finding: string;
  readonly location: string;
  readonly locationBytes?: string;
  readonly action: ItemAction;
  /** Name in quarantine. */
  readonly destination?: string;
  /** The version that was judged, and its size. */
  readonly version: string;
  readonly size: number;
  readonly sha256: string;
  readonly verdict: string;
  readonly threat?: string;
  readonly standIn: boolean;
  readonly judgedAt: string;
  readonly since: string;
}

/** `GET /approvals/:source?limit=&after=`. `after` is a sequence number. */
export interface SourceApprovals {
  readonly source: Source;
  /** Findings that wait, shown here or not. */
  readonly waiting: number;
  readonly findings: readonly WaitingFinding[];
  /** The last finding shown, and the hash of the list up to it: what a decision names. */
  readonly through?: number;
  readonly list?: string;
  readonly next?: number;
  /** The latest decisions, newest last. */
  readonly decided: readonly DecisionResource[];
}

/** Who decided when about which findings, and the jobs that carry it out. */
export interface DecisionResource {
  readonly verdict: Verdict;
  readonly by: string;
  readonly at: string;
  readonly reason?: string;
  readonly through: number;
  readonly list: string;
  /** Sequence numbers, each from the first to the last. */
  readonly findings: readonly (readonly number[])[];
  readonly count: number;
  readonly jobs: readonly { readonly job: string; readonly of: string; readonly findings: number }[];
}

/** `POST /approvals/:source/approve|reject`. */
export interface DecideBody {
  /** The last finding that was seen, and the hash of the list up to it. */
  readonly through: number;
  readonly list: string;
  /** Only these sequence numbers, as `1,2,5-7`; default: all up to `through`. */
  readonly only?: string;
  readonly reason?: string;
}
export interface DecideSourceAnswer extends DecisionResource {
  readonly source: string;
  readonly jobs: readonly {
    readonly job: string;
    readonly of: string;
    readonly findings: number;
    readonly links: { readonly self: string };
  }[];
  /** Findings that still wait. */
  readonly waiting: number;
}

/** `POST /jobs/:job/restore`: puts back what the job moved or tagged. The answer is that of `POST /jobs`. */
export interface RestoreBody {
  /** Only these (`page:ordinal`, or with the job before it); default: all that was not put back since. */
  readonly findings?: readonly string[];
  readonly reason?: string;
}

/** `GET /quarantine?source=&limit=&after=`. `next` may come with few items, or none. */
export interface QuarantineList {
  readonly items: readonly QuarantinedItem[];
  readonly next?: string;
}

/** `POST /allowed`: 201 with the entry that counts from now on. */
export interface AllowBody {
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  readonly reason: string;
  /** Takes back what was allowed. */
  readonly revoke?: boolean;
}
export type AllowedHash = Omit<AllowEntry, 'format'>;
/** `GET /allowed?limit=&after=`: the newest entry of each hash, revoked ones too. */
export interface AllowedList {
  readonly entries: readonly AllowedHash[];
  readonly next?: string;
}
