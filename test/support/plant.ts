import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, ServiceError, WithStartWorkflowOperation } from '@temporalio/client';
import type { JobProgress, ScanSettings, Source } from '../../domain/job.ts';
import type { BucketAccess } from '../../domain/ledger-place.ts';
import type { LimitsChange } from '../../domain/limits.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { type Ledger, openLedger } from '../../ledger/ledger.ts';
import type { StandinOptions } from '../../scanner/standin/options.ts';
import { type Standin, startStandin } from '../../scanner/standin/server.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  fullScanWorkflowId,
  type LimitsRequest,
  QUERY,
  QUEUE,
  type StartAnswer,
  type StartRequest,
  UPDATE,
  WORKFLOW,
} from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { startTemporal, type TemporalServer } from './temporal.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

type ScanWorkflow = (request: StartRequest) => Promise<JobResult>;

/** A worker process as it runs in production, that tests may kill. */
/** Status code of gRPC. */
const GRPC_CANCELLED = 1;

export interface WorkerProcess {
  readonly pid: number;
  readonly log: () => string;
  kill(signal: NodeJS.Signals): void;
  readonly gone: Promise<number | null>;
}

/** Temporal, a stand-in, a ledger and a folder to scan: everything a job needs, with worker processes to kill. */
export class Plant {
  readonly home: string;
  readonly folder: string;
  readonly temporal: TemporalServer;
  readonly standin: Standin;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly #workers: WorkerProcess[] = [];
  #jobs = 0;

  constructor(home: string, temporal: TemporalServer, standin: Standin, client: Client, ledger: Ledger) {
    this.home = home;
    this.folder = path.join(home, 'data');
    mkdirSync(this.folder);
    this.temporal = temporal;
    this.standin = standin;
    this.client = client;
    this.ledger = ledger;
  }

  /** @param bucket a ledger elsewhere than in the plant's home; its workers must be told by their environment */
  static async start(
    standinOptions: StandinOptions = {},
    dynamicConfig: readonly string[] = [],
    bucket?: { readonly place: string; readonly access: BucketAccess },
  ): Promise<Plant> {
    const home = realpathSync(mkdtempSync(path.join(tmpdir(), 'dsx-plant-')));
    const [temporal, standin] = await Promise.all([startTemporal({ dynamicConfig }), startStandin(standinOptions)]);
    const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
    const ledger =
      bucket === undefined
        ? await openLedger(path.join(home, 'state', 'ledger'))
        : await openLedger(bucket.place, { access: bucket.access });
    return new Plant(home, temporal, standin, client, ledger);
  }

  /**
   * Starts a worker process and waits until it is ready.
   * @param root of the product that it runs: another version than this one
   */
  async worker(env: Record<string, string> = {}, root = ROOT): Promise<WorkerProcess> {
    const child = spawn(process.execPath, [path.join(root, 'workers/main.ts')], {
      cwd: this.home,
      env: {
        PATH: process.env.PATH,
        HOME: this.home,
        DSX_HOME: path.join(this.home, 'state'),
        TEMPORAL_ADDRESS: this.temporal.address,
        DSXA_STANDIN_URL: this.standin.url,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const worker = wrap(child);
    this.#workers.push(worker);
    await ready(child, worker);
    return worker;
  }

  /** Faults of the file system for workers that are started with this environment (see `faulty-files.ts`). */
  fileFaults(): { readonly env: Record<string, string>; set(...lines: string[]): void } {
    const file = path.join(this.home, 'file-faults');
    writeFileSync(file, '');
    const hook = path.join(import.meta.dirname, 'faulty-files.ts');
    return {
      env: { FILE_FAULTS: file, NODE_OPTIONS: `--import ${hook}` },
      set: (...lines) => writeFileSync(file, lines.join('\n')),
    };
  }

  /** Tells every worker process but one to stop, as an orchestrator of containers does. */
  stopOthers(keep: WorkerProcess): void {
    for (const worker of this.#workers) if (worker !== keep) worker.kill('SIGTERM');
  }

  /** Ends every worker process at once. */
  async stopWorkers(): Promise<void> {
    for (const worker of this.#workers) worker.kill('SIGKILL');
    await Promise.all(this.#workers.splice(0).map((worker) => worker.gone));
  }

  source(folder = this.folder): Source {
    const id = `folder-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
    return { kind: 'folder', id, path: folder };
  }

  /** Starts a scan of the folder (or joins one), as the API does. */
  async start(settings: Partial<ScanSettings> = {}, request: Partial<StartRequest> = {}): Promise<ScanHandle> {
    const source = request.source ?? this.source();
    const start: StartRequest = {
      job: `job-${++this.#jobs}`,
      kind: 'full',
      source,
      settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'standin', ...settings },
      actor: 'test',
      ...request,
    };
    const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW.fullScan, {
      workflowId: fullScanWorkflowId(source),
      taskQueue: QUEUE.orchestrate,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [start],
    });
    const answer = await this.client.workflow.executeUpdateWithStart<ScanWorkflow, StartAnswer, [StartRequest]>(
      UPDATE.start,
      {
        args: [start],
        startWorkflowOperation,
      },
    );
    return new ScanHandle(this, answer, fullScanWorkflowId(source));
  }

  /** Resolves when the stand-in has been asked for so many scans. */
  async untilScans(count: number, timeoutMs?: number): Promise<void> {
    await until(async () => this.standin.stats().scans >= count, timeoutMs);
  }

  /** Resolves when a page of the job has written rows down while it is still open. */
  async untilPart(job: string): Promise<void> {
    await until(async () => {
      for await (const _ of this.ledger.job(job).objects.list('parts')) return true;
      return false;
    });
  }

  /** Resolves when a page that is still open has written down the row of this location. */
  async untilRow(job: string, location: string): Promise<void> {
    const ledger = this.ledger.job(job);
    await until(async () => {
      for await (const { name } of ledger.objects.list('parts')) {
        if ((await ledger.readParts(name)).some((row) => row.location === location)) return true;
      }
      return false;
    });
  }

  async stop(): Promise<void> {
    await this.stopWorkers();
    await this.client.connection.close();
    await Promise.all([this.temporal.stop('SIGKILL'), this.standin.stop(), this.ledger.close()]);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** One scan, as a client of Temporal sees it. */
export class ScanHandle {
  readonly job: string;
  readonly joined: boolean;
  readonly workflowId: string;
  readonly #plant: Plant;

  constructor(plant: Plant, answer: StartAnswer, workflowId: string) {
    this.#plant = plant;
    this.job = answer.job;
    this.joined = answer.joined;
    this.workflowId = workflowId;
  }

  get #handle() {
    return this.#plant.client.workflow.getHandle(this.workflowId);
  }

  result(): Promise<JobResult> {
    return this.#handle.result() as Promise<JobResult>;
  }

  /** Temporal cancels a query that was in the hands of a worker that was killed: then another one is asked. */
  async progress(): Promise<JobProgress> {
    try {
      return await this.#handle.query<JobProgress>(QUERY.progress);
    } catch (error) {
      if (!(error instanceof ServiceError) || (error.cause as { code?: number }).code !== GRPC_CANCELLED) throw error;
      return await this.#handle.query<JobProgress>(QUERY.progress);
    }
  }

  control(verb: 'pause' | 'resume' | 'cancel', reason?: string): Promise<ControlAnswer> {
    const request: ControlRequest = { job: this.job, actor: 'test', ...(reason !== undefined && { reason }) };
    return this.#handle.executeUpdate<ControlAnswer, [ControlRequest]>(UPDATE[verb], { args: [request] });
  }

  setLimits(limits: LimitsChange, reason?: string): Promise<ControlAnswer> {
    const request = { job: this.job, actor: 'test', limits, ...(reason !== undefined && { reason }) };
    return this.#handle.executeUpdate<ControlAnswer, [LimitsRequest]>(UPDATE.setLimits, { args: [request] });
  }

  /** Resolves when the progress is as asked for: what it looks at changes by itself, so this only waits. */
  async until(check: (progress: JobProgress) => boolean, timeoutMs = 20_000): Promise<JobProgress> {
    let progress = await this.progress();
    await until(async () => {
      progress = await this.progress();
      return check(progress);
    }, timeoutMs);
    return progress;
  }

  /** Every outcome row that the job's commits count, in no particular order. */
  async rows(): Promise<OutcomeRow[]> {
    const ledger = this.#plant.ledger.job(this.job);
    const rows: OutcomeRow[] = [];
    for await (const commit of ledger.commits()) {
      for (const page of commit.body.pages) rows.push(...(await ledger.readSegment(page.segment)));
    }
    return rows;
  }
}

/** Looks again and again at something that changes by itself. */
async function until(check: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`it did not come about within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function wrap(child: ChildProcess): WorkerProcess {
  let text = '';
  child.stdout?.on('data', (data: Buffer) => {
    text += data;
  });
  child.stderr?.on('data', (data: Buffer) => {
    text += data;
  });
  return {
    pid: child.pid ?? -1,
    log: () => text,
    kill: (signal) => child.kill(signal),
    gone: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  };
}

async function ready(child: ChildProcess, worker: WorkerProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}: ${worker.log()}`)));
  });
}
