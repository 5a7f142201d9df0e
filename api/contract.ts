import type { ActionRow, ItemAction } from '../domain/action.ts';
import type { JobProgress, LiveFigures } from '../domain/job.ts';
import type { Outcome, OutcomeRow } from '../domain/outcome.ts';

/** The JSON that travels between the API and its clients. Every path is below this prefix. */
export const API_PREFIX = '/dsx-connect/api/v1';
export const DEFAULT_API_PORT = 8586;

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
}

/** Answer: 201 when this request started the scan, 200 when it joined one. 409 `scan_running` with `job` when refused. */
export interface StartJobAnswer {
  readonly job: string;
  readonly joined: boolean;
  readonly links: { readonly self: string; readonly events: string; readonly temporal?: string };
}

/** `GET /jobs/:job`. `live` is missing when Redis is; `source` of the figures is then `temporal` or `ledger`. */
export interface JobResource extends JobProgress {
  readonly live?: LiveFigures;
  readonly from: 'status' | 'temporal' | 'ledger';
  /** Where the job's ledger lies, as the API names it. */
  readonly ledger: string;
  /** Root hash once the state is final. */
  readonly root?: string;
}

/** `GET /jobs?limit=&after=`: newest first. */
export interface JobList {
  readonly jobs: readonly JobResource[];
  readonly next?: string;
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
/** Answer: the job as it is now. `cancelling` until no page can start a scan any more. */
export interface ControlJobAnswer {
  readonly job: string;
  readonly state: JobProgress['state'];
  readonly idle?: JobProgress['idle'];
  readonly revision: number;
  readonly links: { readonly self: string };
}

/** `GET /healthz`: the process answers. Needs no key. */
export interface HealthAnswer {
  readonly status: 'ok';
}

/** `GET /readyz`: 200 when every needed dependency works, else 503 with the same body. */
export interface ReadyAnswer {
  readonly ready: boolean;
  readonly checks: readonly ReadyCheck[];
}
export interface ReadyCheck {
  readonly name: 'temporal' | 'redis' | 'ledger' | 'scanner' | 'workers' | 'fairness';
  /** `off`: not configured, which is allowed. `problem` of a check that is not `needed` leaves the service ready. */
  readonly state: 'ok' | 'problem' | 'off';
  readonly needed: boolean;
  readonly detail: string;
}

/** `GET /version`. */
export interface VersionAnswer {
  readonly name: string;
  readonly version: string;
  readonly node: string;
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
}

/** `GET /connectors/:id`. Never holds a secret. */
export interface ConnectorResource {
  readonly id: string;
  readonly kind: string;
  readonly site?: string;
  /** What it scans, as a person names it: a folder, a bucket and prefix, a library. */
  readonly asset: string;
  readonly filter: string;
  readonly action: ItemAction;
  readonly quarantine?: string;
  readonly dryRun: boolean;
  readonly maxSize?: number;
  readonly scanner?: string;
}
/** `GET /connectors`. */
export interface ConnectorList {
  readonly connectors: readonly ConnectorResource[];
}

/** `POST /connectors/:id/check`: what the check found, at the connector's site. */
export interface CheckBody {
  /** The item action to check for; default: the connector's own. */
  readonly action?: ItemAction;
}
export interface CheckAnswer {
  readonly connector: string;
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}
