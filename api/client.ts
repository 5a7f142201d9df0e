import type { ActionState, ItemAction } from '../domain/action.ts';
import type { Verdict } from '../domain/approval.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { WatchHealth } from '../domain/watch.ts';
import { type ConnectorClient, createConnectorClient } from './client-connectors.ts';
import { ApiError, problemError, unreachable } from './client-error.ts';
import { feedEvents, jobEvents } from './client-events.ts';
import { createScheduleClient, type ScheduleClient } from './client-schedules.ts';
import {
  type ActionPage,
  type AllowBody,
  type AllowedHash,
  type AllowedList,
  API_PREFIX,
  type ApplyBody,
  type ApprovalList,
  type AssetList,
  type AuditList,
  type CheckAnswer,
  type ConnectorDetail,
  type ConnectorKeyAnswer,
  type ConnectorList,
  type ControlJobAnswer,
  type DecideBody,
  type DecideSourceAnswer,
  type EstimateBody,
  type EstimateResource,
  type FeedEvent,
  type FeedType,
  type FindingList,
  type FindingQuery,
  type JobEvent,
  type JobList,
  type JobResource,
  type KeyList,
  type KeyResource,
  type LimitsBody,
  type NewKeyAnswer,
  type NewKeyBody,
  type OutcomePage,
  type PreviewAnswer,
  type QuarantineList,
  type ReadyAnswer,
  type RebuildAnswer,
  type RestoreBody,
  type RetryJobBody,
  type RotateConnectorKeyBody,
  type RotateKeyBody,
  type ScanBodyAnswer,
  type ScanItemsAnswer,
  type ScanItemsBody,
  type ScannerCheckAnswer,
  type SourceApprovals,
  type StartJobAnswer,
  type StartJobBody,
  type VersionAnswer,
} from './contract.ts';

export { ApiError };

export interface ApiClientOptions {
  /** Origin of the API without the prefix, as `http://127.0.0.1:8586`. */
  readonly origin: string;
  readonly key?: string | undefined;
  /** Asks in place of the built-in `fetch`: with authorities and a certificate of its own. */
  readonly fetch?: typeof fetch;
  /** How long one answer may take, in milliseconds (30 s). Event streams have no limit. */
  readonly timeoutMs?: number;
}

export interface EventOptions {
  readonly signal?: AbortSignal;
  /** The id of the last event seen; the stream goes on behind it. */
  readonly lastEventId?: string;
  /** Gives up when the API could not be reached for this long, in milliseconds (60 s). */
  readonly giveUpMs?: number;
}

/** A connector by its id, or a folder by its absolute path. */
export type Named = { readonly connector: string } | { readonly folder: string };

/** Who only passes a signal to one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface StartOptions extends CallOptions {
  /** A repeat with the same key and body starts nothing, and answers with the same job: 1 to 255 visible ASCII characters. */
  readonly idempotencyKey?: string;
}

/** Every method throws ApiError: `unreachable` (status 0) when nobody answers, else the code of the problem. */
export interface ApiClient extends ConnectorClient, ScheduleClient {
  readonly origin: string;
  startJob(body: StartJobBody, options?: StartOptions): Promise<StartJobAnswer>;
  /** Carries out what a dry run planned. */
  apply(job: string, body?: ApplyBody, options?: StartOptions): Promise<StartJobAnswer>;
  /** Puts back what a job moved or tagged. */
  restore(job: string, body?: RestoreBody, options?: StartOptions): Promise<StartJobAnswer>;
  quarantine(query?: { source?: string; limit?: number; after?: string }): Promise<QuarantineList>;
  allowed(query?: { limit?: number; after?: string }): Promise<AllowedList>;
  allow(body: AllowBody): Promise<AllowedHash>;
  approvals(): Promise<ApprovalList>;
  waiting(source: string, query?: { limit?: number; after?: number }): Promise<SourceApprovals>;
  decide(source: string, verdict: Verdict, body: DecideBody): Promise<DecideSourceAnswer>;
  job(job: string, options?: CallOptions): Promise<JobResource>;
  /** States and kinds: some, with commas. */
  jobs(query?: { limit?: number; after?: string; source?: string; state?: string; kind?: string }): Promise<JobList>;
  /** Scans again what a job could not judge. `nothing_to_retry` (409): nothing was started; `left` and `closedBy` say how it stands. */
  retry(job: string, body?: RetryJobBody, options?: StartOptions): Promise<StartJobAnswer>;
  /** Has the status in Redis written anew. */
  rebuild(): Promise<RebuildAnswer>;
  pause(job: string, reason?: string): Promise<ControlJobAnswer>;
  resume(job: string, reason?: string): Promise<ControlJobAnswer>;
  cancel(job: string, reason?: string): Promise<ControlJobAnswer>;
  setLimits(job: string, body: LimitsBody): Promise<ControlJobAnswer>;
  outcomes(
    job: string,
    query?: { outcome?: Outcome; prefix?: string; reason?: string; limit?: number; after?: string },
  ): Promise<OutcomePage>;
  actions(job: string, query?: { state?: ActionState; limit?: number; after?: string }): Promise<ActionPage>;
  /**
   * Events of a job until its `end`. Reconnects by itself and goes on where it was; a finding may then come twice (its `item`
   * tells). Ends quietly when the signal fires.
   */
  events(job: string, options?: EventOptions): AsyncIterable<JobEvent>;
  /** What was found, of all jobs. */
  findings(query?: FindingQuery): Promise<FindingList>;
  /** What happens from now on, of everything or of what the query names; `reset` means that something may have been missed. Reconnects as `events` does. */
  feed(
    query?: { types?: readonly FeedType[]; job?: string; source?: string },
    options?: EventOptions,
  ): AsyncIterable<FeedEvent>;
  connectors(): Promise<ConnectorList>;
  connector(id: string): Promise<ConnectorDetail>;
  /** Pauses a watch, goes on with it, or has a sweep begin at once. */
  steerWatch(connector: string, verb: 'pause' | 'resume' | 'sweep', reason?: string): Promise<WatchHealth>;
  /** Runs a check where the storage can be reached. */
  check(named: Named, action?: ItemAction, options?: CallOptions): Promise<CheckAnswer>;
  preview(
    named: Named,
    query?: { limit?: number; filter?: string; maxSize?: number },
    options?: CallOptions,
  ): Promise<PreviewAnswer>;
  assets(connector: string, query?: { limit?: number; after?: string }, options?: CallOptions): Promise<AssetList>;
  startEstimate(named: Named, body?: EstimateBody): Promise<EstimateResource>;
  /** As it is now. */
  estimate(named: Named, estimate: string): Promise<EstimateResource>;
  /** Stops it, and tells what was counted. */
  stopEstimate(named: Named, estimate: string): Promise<EstimateResource>;
  /** Asks a scanner for a verdict on a tiny harmless body. */
  testScanner(scanner?: string): Promise<ScannerCheckAnswer>;
  scanItems(body: ScanItemsBody, options?: StartOptions): Promise<ScanItemsAnswer>;
  scanBody(body: Uint8Array, scanner?: string): Promise<ScanBodyAnswer>;
  keys(): Promise<KeyList>;
  createKey(body: NewKeyBody): Promise<NewKeyAnswer>;
  rotateKey(id: string, body?: RotateKeyBody): Promise<NewKeyAnswer>;
  revokeKey(id: string): Promise<KeyResource>;
  /** @param connector UUID of a remote connector */
  rotateConnectorKey(connector: string, body?: RotateConnectorKeyBody): Promise<ConnectorKeyAnswer>;
  audit(query?: { actor?: string; limit?: number; after?: string }): Promise<AuditList>;
  version(): Promise<VersionAnswer>;
  /** Resolves also when not ready. */
  readyz(): Promise<ReadyAnswer>;
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const origin = options.origin.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? 30_000;
  const ask = options.fetch ?? fetch;
  const auth: Record<string, string> = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
  const url = (path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const text = search.toString();
    return `${origin}${API_PREFIX}${path}${text === '' ? '' : `?${text}`}`;
  };

  async function call<T>(
    method: string,
    target: string,
    extra: {
      body?: unknown;
      bytes?: Uint8Array;
      signal?: AbortSignal | undefined;
      timeoutMs?: number;
      also?: number;
      idempotencyKey?: string | undefined;
    } = {},
  ): Promise<T> {
    const deadline = AbortSignal.timeout(extra.timeoutMs ?? timeoutMs);
    const init: RequestInit = {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...auth,
        ...(extra.body !== undefined && { 'content-type': 'application/json' }),
        ...(extra.idempotencyKey !== undefined && { 'idempotency-key': extra.idempotencyKey }),
        ...(extra.bytes !== undefined && { 'content-type': 'application/octet-stream' }),
      },
      redirect: 'error',
      signal: extra.signal === undefined ? deadline : AbortSignal.any([deadline, extra.signal]),
    };
    if (extra.body !== undefined) init.body = JSON.stringify(extra.body);
    if (extra.bytes !== undefined) init.body = extra.bytes as Uint8Array<ArrayBuffer>;
    let status: number;
    let text: string;
    try {
      const response = await ask(target, init);
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (extra.signal?.aborted) throw extra.signal.reason;
      throw unreachable(origin, error, deadline.aborted ? (extra.timeoutMs ?? timeoutMs) : undefined);
    }
    if ((status < 200 || status > 299) && status !== extra.also) throw problemError(status, text, origin);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ApiError(
        'bad_answer',
        status,
        `${origin} answered ${status} without JSON: is this the API of dsx-connect?`,
        {
          cause,
        },
      );
    }
  }
  const jobPath = (job: string, rest = ''): string => `/jobs/${encodeURIComponent(job)}${rest}`;
  const placePath = (named: Named, rest: string): string =>
    'folder' in named ? `/folders${rest}` : `/connectors/${encodeURIComponent(named.connector)}${rest}`;
  const folderOf = (named: Named): { folder?: string } => ('folder' in named ? { folder: named.folder } : {});
  const storageMs = Math.max(timeoutMs, 90_000);
  const control = (verb: string) => (job: string, reason?: string) =>
    call<ControlJobAnswer>('POST', url(jobPath(job, `/${verb}`)), { body: reason === undefined ? {} : { reason } });

  return {
    ...createConnectorClient((method, path, body) => call(method, url(path), { body })),
    ...createScheduleClient((method, path, query, body) => call(method, url(path, query), { body })),
    origin,
    startJob: (body, o) => call('POST', url('/jobs'), { body, signal: o?.signal, idempotencyKey: o?.idempotencyKey }),
    apply: (job, body = {}, o) =>
      call('POST', url(jobPath(job, '/apply')), { body, idempotencyKey: o?.idempotencyKey }),
    restore: (job, body = {}, o) =>
      call('POST', url(jobPath(job, '/restore')), { body, idempotencyKey: o?.idempotencyKey }),
    quarantine: (query) => call('GET', url('/quarantine', query)),
    allowed: (query) => call('GET', url('/allowed', query)),
    allow: (body) => call('POST', url('/allowed'), { body }),
    approvals: () => call('GET', url('/approvals')),
    waiting: (source, query) => call('GET', url(`/approvals/${encodeURIComponent(source)}`, query)),
    decide: (source, verdict, body) =>
      call('POST', url(`/approvals/${encodeURIComponent(source)}/${verdict}`), { body }),
    job: (job, o) => call('GET', url(jobPath(job)), { signal: o?.signal }),
    jobs: (query) => call('GET', url('/jobs', query)),
    retry: (job, body, o) =>
      call('POST', url(jobPath(job, '/retry')), { body: body ?? {}, idempotencyKey: o?.idempotencyKey }),
    rebuild: () => call('POST', url('/jobs/rebuild'), { timeoutMs: Math.max(timeoutMs, 600_000) }),
    pause: control('pause'),
    resume: control('resume'),
    cancel: control('cancel'),
    setLimits: (job, body) => call('POST', url(jobPath(job, '/limits')), { body }),
    outcomes: (job, query) => call('GET', url(jobPath(job, '/outcomes'), query)),
    actions: (job, query) => call('GET', url(jobPath(job, '/actions'), query)),
    events: (job, o = {}) => jobEvents({ origin, url: url(jobPath(job, '/events')), headers: auth, options: o, ask }),
    findings: (query) => call('GET', url('/findings', { ...query })),
    feed: ({ types, ...query } = {}, o = {}) =>
      feedEvents({ origin, url: url('/events', { ...query, types: types?.join() }), headers: auth, options: o, ask }),
    connectors: () => call('GET', url('/connectors')),
    connector: (id) => call('GET', url(`/connectors/${encodeURIComponent(id)}`)),
    steerWatch: (id, verb, reason) =>
      call('POST', url(`/connectors/${encodeURIComponent(id)}/watch/${verb}`), {
        body: { ...(reason !== undefined && { reason }) },
      }),
    check: (named, action, o) =>
      call('POST', url(placePath(named, '/check')), {
        body: { ...folderOf(named), ...(action !== undefined && { action }) },
        signal: o?.signal,
        timeoutMs: storageMs,
      }),
    preview: (named, query, o) =>
      call('GET', url(placePath(named, '/preview'), { ...folderOf(named), ...query }), {
        timeoutMs: storageMs,
        signal: o?.signal,
      }),
    assets: (id, query, o) =>
      call('GET', url(placePath({ connector: id }, '/assets'), query), { timeoutMs: storageMs, signal: o?.signal }),
    startEstimate: (named, body) =>
      call('POST', url(placePath(named, '/estimate')), { body: { ...folderOf(named), ...body } }),
    estimate: (named, estimate) => call('GET', url(placePath(named, `/estimate/${estimate}`))),
    stopEstimate: (named, estimate) =>
      call('DELETE', url(placePath(named, `/estimate/${estimate}`)), { timeoutMs: storageMs }),
    testScanner: (scanner) =>
      call('GET', url('/test/dsxa-connection', { scanner }), { timeoutMs: Math.max(timeoutMs, 60_000) }),
    scanItems: (body, o) =>
      call('POST', url('/scan'), {
        body,
        signal: o?.signal,
        idempotencyKey: o?.idempotencyKey,
        timeoutMs: timeoutMs + (body.waitSeconds ?? 0) * 1000,
      }),
    scanBody: (bytes, scanner) =>
      call('POST', url('/scan', { scanner }), { bytes, timeoutMs: Math.max(timeoutMs, 600_000) }),
    keys: () => call('GET', url('/keys')),
    createKey: (body) => call('POST', url('/keys'), { body }),
    rotateKey: (id, body = {}) => call('POST', url(`/keys/${encodeURIComponent(id)}/rotate`), { body }),
    rotateConnectorKey: (connector, body = {}) =>
      call('POST', url(`/connectors/${encodeURIComponent(connector)}/key/rotate`), { body }),
    revokeKey: (id) => call('DELETE', url(`/keys/${encodeURIComponent(id)}`)),
    audit: (query) => call('GET', url('/audit', query)),
    version: () => call('GET', url('/meta')),
    readyz: () => call('GET', url('/readyz'), { also: 503 }),
  };
}
