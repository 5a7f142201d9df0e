import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApi } from '../../api/app.ts';
import { type ApiClient, createApiClient } from '../../api/client.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { type CheckRequest, ControlError, type JobControl, workflowIdOf } from '../../api/control.ts';
import type { ApiDeps, ApiSettings, NamedScanner } from '../../api/deps.ts';
import { createLedgerDoor, type LedgerDoor } from '../../api/ledger-door.ts';
import { serve, stopServing } from '../../api/server.ts';
import type { CheckReport } from '../../connectors/connector.ts';
import type { JobProgress } from '../../domain/job.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import type { StatusStore } from '../../status/status.ts';
import type { StartRequest } from '../../workflows/messages.ts';
import { sampleProgress } from '../support/samples.ts';

/** Workflows as the API meets them, by the rules of the real ones: one full scan of a source at a time, equal settings join. */
export class FakeControl implements JobControl {
  readonly running = new Map<string, { request: StartRequest; progress: JobProgress }>();
  readonly steered: string[] = [];
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
    const { job, settings } = there.request;
    if (JSON.stringify(settings) === JSON.stringify(request.settings)) return { job, joined: true };
    throw new ControlError('scan_running', `job ${job} scans with other settings`, { job });
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

  async check(request: CheckRequest) {
    this.#up();
    this.checked.push(request);
    return this.report;
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

function progressOf({ job, kind, source, settings, actor }: StartRequest): JobProgress {
  return sampleProgress(job, { kind, source, settings, actor });
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
}

/** A scanner that must not be asked. */
export function idleScanner(name: string, standIn = false): NamedScanner {
  const refuse = (): never => {
    throw new Error('this scanner must not be asked');
  };
  const scanner: Scanner = {
    name,
    maxBytes: 1_000,
    scan: async () => refuse(),
    probe: async () => ({ ok: true, detail: 'answers', standIn, elapsedMs: 1 }),
    untilOpen: async () => undefined,
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
  const deps: ApiDeps = {
    settings: {
      appEnv: 'dev',
      version: '1.2.3',
      loopback: true,
      key: undefined,
      folderScans: true,
      home,
      temporal: { namespace: 'default', uiUrl: 'http://127.0.0.1:8233/' },
      connectors: CONNECTORS,
      ...options.settings,
    },
    control,
    status,
    ledger,
    scanners: options.scanners ?? [idleScanner('dsxa'), idleScanner('standin', true)],
    log,
    stopping: stopping.signal,
  };
  const { server, port } = await serve(createApi(deps), { host: '127.0.0.1', port: 0 });
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
    },
  };
}

export function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
