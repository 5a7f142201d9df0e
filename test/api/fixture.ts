import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApi } from '../../api/app.ts';
import { type ApiClient, createApiClient } from '../../api/client.ts';
import { resourcesOf } from '../../api/connector-resources.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { type CheckRequest, ControlError, type JobControl, workflowIdOf } from '../../api/control.ts';
import type { ApiDeps, ApiSettings, NamedScanner } from '../../api/deps.ts';
import { createLedgerDoor, type LedgerDoor } from '../../api/ledger-door.ts';
import { createMadeDoor } from '../../api/made-door.ts';
import { serve, stopServing } from '../../api/server.ts';
import type { CheckReport } from '../../connectors/connector.ts';
import { type ConnectorChange, changedConnector } from '../../domain/connector-entry.ts';
import { BEGUN } from '../../domain/estimate.ts';
import type { JobProgress } from '../../domain/job.ts';
import { changedLimits } from '../../domain/limits.ts';
import type { WatchHealth } from '../../domain/watch.ts';
import { createLocalDeliveries } from '../../intake/delivery-memory.ts';
import { createWebhooks, type Webhooks } from '../../intake/webhooks.ts';
import { findingsOf } from '../../ledger/findings.ts';
import { ledgerJob } from '../../ledger/job-progress.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import type { RebuildSources } from '../../status/rebuild.ts';
import type { StatusStore } from '../../status/status.ts';
import type { Gate } from '../../workflows/action-gate/gate.ts';
import type {
  AssetsRequest,
  DecideRequest,
  EstimateRequest,
  EstimateView,
  LimitsRequest,
  PreviewRequest,
  StartRequest,
} from '../../workflows/messages.ts';
import { sampleProgress } from '../support/samples.ts';
import { undocumentedAnswers } from './documented.ts';

/** Workflows as the API meets them, by the rules of the real ones: one full scan of a source at a time, equal settings join. */
export class FakeControl implements JobControl {
  readonly running = new Map<string, { request: StartRequest; progress: JobProgress }>();
  readonly steered: string[] = [];
  /** Schedules are Temporal's: tests of them use the real one. Here there are none. */
  readonly schedules = { list: async () => ({ schedules: [] }) } as never;
  /** Set: every call fails with it. */
  down: ControlError | undefined;
  queueAge: number | undefined = 1_000;
  report: CheckReport = { ok: true, checks: [{ name: 'list', ok: true, detail: 'lists' }] };
  readonly checked: CheckRequest[] = [];
  isFair = true;
  /** Ends a scan of named items as soon as it is waited for. */
  onWait: ((request: StartRequest) => Promise<void>) | undefined;

  #up(): void {
    if (this.down !== undefined) throw this.down;
  }

  async start(request: StartRequest) {
    this.#up();
    const id = workflowIdOf(request);
    const there = this.running.get(id);
    if (there === undefined) {
      this.running.set(id, { request, progress: progressOf(request) });
      return { job: request.job, joined: false };
    }
    const { job, settings, bodyHash, retry } = there.request;
    if (request.job === job) {
      if (request.bodyHash !== bodyHash) throw new ControlError('idempotency_mismatch', 'another body', { job });
      return { job, joined: false, repeated: true } as const;
    }
    const asked = JSON.stringify([request.settings, request.retry]);
    if (JSON.stringify([settings, retry]) === asked) return { job, joined: true };
    throw new ControlError('scan_running', `job ${job} scans with other settings`, { job });
  }

  /** Where what is made through the API is kept. */
  ledger: LedgerDoor | undefined;

  async changeConnector(change: ConnectorChange) {
    this.#up();
    const book = (await this.ledger?.open())?.connectors;
    const changed = changedConnector(await book?.newest(change.id), change, Date.now());
    if ('entry' in changed) await book?.append(changed.entry);
    return changed;
  }

  async jobsOf(connector: string) {
    this.#up();
    const of = [...this.running].filter(([, { request }]) => request.source.id === connector);
    return of.map(([workflowId, { request }]) => ({
      job: request.job,
      workflowId,
      live: request.kind === 'on-access',
    }));
  }

  async allPushed() {
    this.#up();
  }

  async restarted() {
    this.#up();
  }

  async startRequested(request: StartRequest) {
    this.#up();
    this.running.set(workflowIdOf(request), { request, progress: progressOf(request) });
  }

  async untilEnded(job: string, ms: number) {
    const there = [...this.running.values()].find(({ request }) => request.job === job);
    if (ms === 0 || there === undefined || this.onWait === undefined) return false;
    await this.onWait(there.request);
    return true;
  }

  async steer(
    workflowId: string,
    verb: 'pause' | 'resume' | 'cancel',
    request: { job: string; actor: string; reason?: string },
  ) {
    this.#up();
    const there = this.running.get(workflowId);
    if (there === undefined) throw new ControlError('not_found', 'no such workflow');
    if (there.request.job !== request.job)
      throw new ControlError('job_ended', 'another job runs', { job: request.job });
    if (there.progress.state === 'cancelling' && verb !== 'cancel') {
      throw new ControlError('job_cancelling', 'it is being cancelled', { job: request.job });
    }
    this.steered.push(`${verb} by ${request.actor}${request.reason === undefined ? '' : `: ${request.reason}`}`);
    const state = ({ pause: 'paused', resume: 'running', cancel: 'cancelling' } as const)[verb];
    there.progress = { ...there.progress, state, revision: there.progress.revision + 1 };
    return { job: request.job, state, revision: there.progress.revision };
  }

  async setLimits(workflowId: string, { job, actor, reason, limits }: LimitsRequest) {
    this.#up();
    const there = this.running.get(workflowId);
    if (there === undefined) throw new ControlError('not_found', 'no such workflow');
    if (there.request.job !== job) throw new ControlError('job_ended', 'another job runs', { job });
    if (there.progress.state === 'cancelling')
      throw new ControlError('job_cancelling', 'it is being cancelled', { job });
    this.steered.push(`limits by ${actor}${reason === undefined ? '' : `: ${reason}`}`);
    const changed = {
      ...changedLimits(there.progress.limits ?? {}, limits),
      by: actor,
      since: '2026-11-23T09:00:00.000Z',
    };
    there.progress = { ...there.progress, limits: changed, revision: there.progress.revision + 1 };
    const { state, revision } = there.progress;
    return { job, state, limits: changed, revision };
  }

  async progress(workflowId: string) {
    this.#up();
    const there = this.running.get(workflowId);
    if (there === undefined) throw new ControlError('not_found', 'no such workflow');
    return there.progress;
  }

  async find(job: string) {
    this.#up();
    for (const [id, { request }] of this.running) if (request.job === job) return id;
    return undefined;
  }

  async scans() {
    this.#up();
    return [...this.running].map(([workflowId, { request, progress }]) => {
      return { workflowId, job: request.job, startedAt: progress.startedAt };
    });
  }

  sources(ledger: Ledger): RebuildSources {
    const { running } = this;
    const up = () => this.#up();
    return {
      async *running() {
        up();
        for (const { progress } of running.values()) {
          yield { job: progress.job, progress, answered: true, findings: () => findingsOf(ledger.job(progress.job)) };
        }
      },
      ended: async function* () {
        for (const start of await ledger.starts()) {
          const told = await ledgerJob(ledger.job(start.job));
          yield {
            ...start,
            progress: told?.ended ? told.progress : undefined,
            findings: () => findingsOf(ledger.job(start.job)),
          };
        }
      },
      account: async (job) => {
        const told = await ledgerJob(ledger.job(job));
        return told?.ended ? told.progress : undefined;
      },
    };
  }

  async check(request: CheckRequest) {
    this.#up();
    this.checked.push(request);
    return this.report;
  }

  /** What the activities at the site write; without it a preview or a page of assets is none. */
  onPreview: ((request: PreviewRequest) => Promise<ObjectRef>) | undefined;
  onAssets: ((request: AssetsRequest) => Promise<ObjectRef>) | undefined;
  readonly estimates = new Map<string, EstimateView>();
  readonly estimateRequests: EstimateRequest[] = [];

  async preview(request: PreviewRequest) {
    this.#up();
    if (this.onPreview === undefined) throw new ControlError('no_worker', 'nobody previews');
    return this.onPreview(request);
  }

  async assets(request: AssetsRequest) {
    this.#up();
    if (this.onAssets === undefined) throw new ControlError('no_worker', 'nobody lists assets');
    return this.onAssets(request);
  }

  async startEstimate(estimate: string, request: EstimateRequest) {
    this.#up();
    this.estimateRequests.push(request);
    this.estimates.set(estimate, { source: request.source, estimate: BEGUN });
  }

  async estimate(estimate: string) {
    this.#up();
    return this.estimates.get(estimate);
  }

  async stopEstimate(estimate: string) {
    this.#up();
    const there = this.estimates.get(estimate);
    if (there?.estimate.state !== 'running') return there;
    const stopped = { ...there, estimate: { ...there.estimate, state: 'stopped' as const } };
    this.estimates.set(estimate, stopped);
    return stopped;
  }

  /** Gates by source, by the rules of the real ones. */
  readonly held = new Map<string, Gate>();
  readonly decided: StartRequest[] = [];

  readonly watches = new Map<string, WatchHealth>();
  async watch(connector: string) {
    this.#up();
    return this.watches.get(connector);
  }
  async steerWatch(verb: 'pause' | 'resume' | 'sweep', connector: string, { actor }: { actor: string }) {
    const health = this.watches.get(connector);
    if (health === undefined) throw new ControlError('not_found', connector);
    if (verb === 'sweep') {
      if (health.sweep === undefined) throw new ControlError('sweeps_off', connector);
      return health;
    }
    const { paused: _, ...rest } = health;
    const steered: WatchHealth =
      verb === 'resume'
        ? { ...rest, state: 'watching' }
        : { ...rest, state: 'paused', paused: { by: actor, since: health.startedAt } };
    this.watches.set(connector, steered);
    return steered;
  }

  async gates() {
    this.#up();
    return [...this.held.keys()];
  }

  async gate(source: string) {
    this.#up();
    return this.held.get(source)?.view();
  }

  async decide(source: string, request: DecideRequest) {
    this.#up();
    const gate = this.held.get(source);
    const refusal = gate?.refusal(request);
    if (gate === undefined) throw new ControlError('not_found', 'no such gate');
    if (refusal !== undefined) throw new ControlError(refusal.type as 'list_changed', refusal.message);
    const { answer, starts } = gate.decide(request, Date.now());
    this.decided.push(...starts);
    for (const start of starts) this.running.set(workflowIdOf(start), { request: start, progress: progressOf(start) });
    return answer;
  }

  async fair() {
    this.#up();
    return this.isFair;
  }

  async queues(names: readonly string[]) {
    this.#up();
    return names.map((queue) => ({ queue, age: this.queueAge }));
  }
}

function progressOf({ job, kind, source, settings, actor, limits, retry, order }: StartRequest): JobProgress {
  const bounded = limits !== undefined && { limits: { ...limits, by: actor, since: '2026-11-23T08:45:00.000Z' } };
  const again = retry !== undefined && { retry };
  return sampleProgress(job, {
    kind,
    source,
    settings,
    actor,
    ...bounded,
    ...again,
    ...(order !== undefined && { order }),
  });
}

export interface Api {
  readonly origin: string;
  readonly port: number;
  readonly home: string;
  readonly control: FakeControl;
  readonly status: StatusStore | undefined;
  readonly ledger: LedgerDoor;
  readonly logged: string[];
  readonly stopping: AbortController;
  readonly server: Server;
  client(key?: string): ApiClient;
  /** A request as written, below the prefix. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly settings?: Partial<ApiSettings>;
  readonly scanners?: readonly NamedScanner[];
  readonly status?: StatusStore | 'none';
  readonly ledgerPlace?: string;
  readonly log?: boolean;
  readonly webhooks?: Webhooks;
}

/** A scanner that must not be asked. */
export function idleScanner(name: string, standIn = false): NamedScanner {
  const refuse = (): never => {
    throw new Error('this scanner must not be asked');
  };
  const scanner: Scanner = {
    name,
    identity: 'http://127.0.0.1 entity default',
    maxBytes: 1_000,
    scan: async () => refuse(),
    probe: async () => ({ ok: true, detail: 'answers', standIn, elapsedMs: 1 }),
    untilOpen: async () => undefined,
    doubt: async (failure) => failure,
    state: () => ({ limit: 1, inFlight: 0, bytesInFlight: 0, waiting: 0 }),
    close: async () => undefined,
  };
  return { name, standIn, scanner };
}

export const CONNECTORS: ApiSettings['connectors'] = [
  {
    id: 'share',
    kind: 'filesystem',
    asset: '/srv/share',
    filter: '*.docx',
    action: 'move',
    quarantine: '/srv/q',
    dryRun: false,
  },
  {
    id: 'plant-2',
    kind: 'filesystem',
    site: 'plant',
    asset: '/srv/two',
    filter: '',
    action: 'nothing',
    dryRun: false,
    maxSize: 5,
    watched: true,
  },
];

/** The API as it runs, on a free port, with a real ledger in a folder of its own. */
export async function startApi(options: ApiOptions = {}): Promise<Api> {
  const home = await mkdtemp(join(tmpdir(), 'dsx-api-'));
  const control = new FakeControl();
  const status = options.status === 'none' ? undefined : (options.status ?? createMemoryStatus());
  const ledger = createLedgerDoor(options.ledgerPlace ?? join(home, 'ledger'));
  const stopping = new AbortController();
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  control.ledger = ledger;
  const rules = {
    connectors: [],
    definitionSecrets: {},
    allowedAddresses: [],
    loopback: options.settings?.loopback ?? true,
    folderScans: options.settings?.folderScans ?? true,
  };
  const { made, door } = createMadeDoor(rules, ledger, log);
  const resources = resourcesOf(CONNECTORS, made);
  const deps: ApiDeps = {
    settings: {
      appEnv: 'dev',
      version: '1.2.3',
      loopback: true,
      key: undefined,
      folderScans: true,
      home,
      temporal: { namespace: 'default', uiUrl: 'http://127.0.0.1:8233/' },
      get connectors() {
        return resources();
      },
      ...options.settings,
    },
    made: door,
    control,
    status,
    ledger,
    webhooks: options.webhooks ?? noWebhooks(),
    intake: { add: async () => undefined, close: async () => undefined },
    scanners: options.scanners ?? [idleScanner('dsxa'), idleScanner('standin', true)],
    log,
    stopping: stopping.signal,
  };
  const { server, port } = await serve(createApi(deps), { host: '127.0.0.1', port: 0 });
  const undocumented = undocumentedAnswers(server);
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    port,
    home,
    control,
    status,
    ledger,
    logged,
    stopping,
    server,
    client: (key) => createApiClient({ origin, ...(key !== undefined && { key }) }),
    ask: (path, init) => fetch(`${origin}${API_PREFIX}${path}`, init),
    async stop() {
      stopping.abort();
      await stopServing(server, 1_000);
      await ledger.close();
      await rm(home, { recursive: true, force: true });
      const unknown = undocumented();
      if (unknown.length > 0) throw new Error(`answers that the description does not have:\n${unknown.join('\n')}`);
    },
  };
}

/** Nobody calls. */
export function noWebhooks(): Webhooks {
  const refuse = async (): Promise<never> => {
    throw new Error('nothing is to be handed over');
  };
  const memory = createLocalDeliveries();
  return createWebhooks({
    connectors: () => [],
    intake: { add: refuse, close: refuse },
    wake: { wake: refuse },
    memory,
    get: refuse,
    say: () => undefined,
  });
}

export function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
