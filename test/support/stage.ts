import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type {
  ActionActivities,
  OrchestratorActivities,
  PageActivities,
  PlanActivities,
  PlannedTurn,
  ScanPageInput,
  ScanPageResult,
  WatchActivities,
} from '../../activities/types.ts';
import { noActions } from '../../domain/action.ts';
import { NO_COUNTS } from '../../domain/estimate.ts';
import type { JobProgress } from '../../domain/job.ts';
import { noOutcomes } from '../../domain/outcome.ts';
import type { WatchHealth } from '../../domain/watch.ts';
import type { CommitBody, ObjectRef } from '../../ledger/types.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { QUERY, QUEUE, SEARCH_ATTRIBUTE, type StartRequest, UPDATE, WORKFLOW } from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { startTemporal, type TemporalServer } from './temporal.ts';

const BUNDLES = path.resolve(import.meta.dirname, '../../.parts/bundles');
const jobKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
export const PAGE_ITEMS = 10;
type Actors = PlanActivities & PageActivities & ActionActivities & OrchestratorActivities & WatchActivities;

export const ref = (name: string): ObjectRef => ({ name, hash: name });

// Workers in the test's own process: what they say below errors is no part of a test's output.
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

/** The real scan workflow on a real server, with activities that the test plays: for what real ones do too seldom or too slowly. */
export class Stage {
  readonly temporal: TemporalServer;
  readonly client: Client;
  readonly commits: CommitBody[];
  /** Every progress that the workflow published, in order, over all of its runs. */
  readonly published: JobProgress[];
  /** Likewise of watches. */
  readonly watches: WatchHealth[];
  readonly #close: () => Promise<void>;
  #jobs = 0;

  private constructor(
    facts: Pick<Stage, 'temporal' | 'client' | 'commits' | 'published' | 'watches'>,
    close: () => Promise<void>,
  ) {
    this.temporal = facts.temporal;
    this.client = facts.client;
    this.commits = facts.commits;
    this.published = facts.published;
    this.watches = facts.watches;
    this.#close = close;
  }

  /** @param actors the activities that are not to go well; `commits` are those that were written */
  static async open(
    actors: (commits: CommitBody[]) => Partial<Actors>,
    dynamicConfig: readonly string[] = [],
  ): Promise<Stage> {
    const temporal = await startTemporal({ dynamicConfig });
    const { address } = temporal;
    const connection = await NativeConnection.connect({ address });
    const client = new Client({ connection: await Connection.connect({ address }) });
    const commits: CommitBody[] = [];
    const published: JobProgress[] = [];
    const publish = (_: unknown, progress: JobProgress) => {
      published.push(progress);
    };
    const watches: WatchHealth[] = [];
    const publishWatch = (_: unknown, health: WatchHealth) => {
      watches.push(health);
    };
    const common = {
      connection,
      activities: { ...wellGoing(commits), ...actors(commits) },
      shutdownForceTime: '1s',
      maxHeartbeatThrottleInterval: '1s',
    } as const;
    const workers = await Promise.all([
      Worker.create({
        ...common,
        taskQueue: QUEUE.orchestrate,
        workflowBundle: await workflowBundle(BUNDLES, logger),
        sinks: {
          status: { publish: { fn: publish, callDuringReplay: false } },
          watch: { publish: { fn: publishWatch, callDuringReplay: false } },
        },
      }),
      Worker.create({ ...common, taskQueue: QUEUE.scan }),
      Worker.create({ ...common, taskQueue: QUEUE.plan }),
      Worker.create({ ...common, taskQueue: QUEUE.actions }),
      Worker.create({ ...common, taskQueue: QUEUE.watch }),
    ]);
    const running = Promise.allSettled(workers.map((worker) => worker.run()));
    return new Stage({ temporal, client, commits, published, watches }, async () => {
      for (const worker of workers) worker.shutdown();
      await running;
      await client.connection.close();
      await connection.close();
      await temporal.stop('SIGKILL');
    });
  }

  /** Starts a scan under a name of its own. */
  async start(request: Partial<StartRequest> = {}) {
    const job = `job-${++this.#jobs}`;
    const args: [StartRequest] = [
      {
        job,
        kind: 'full',
        source: { kind: 'connector', id: job },
        settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa' },
        actor: 'test',
        ...request,
      },
    ];
    const handle = await this.client.workflow.start(WORKFLOW.fullScan, {
      taskQueue: QUEUE.orchestrate,
      workflowId: job,
      typedSearchAttributes: [{ key: jobKey, value: job }],
      args,
    });
    return {
      job,
      result: () => handle.result() as Promise<JobResult>,
      progress: () => handle.query<JobProgress>(QUERY.progress),
      control: (verb: 'pause' | 'resume' | 'cancel') =>
        handle.executeUpdate(UPDATE[verb], { args: [{ job, actor: 'test' }] }),
      /** The last run: its id, how many events it has, and the job that it can be found by. */
      run: async () => {
        const { runId, historyLength, typedSearchAttributes } = await this.client.workflow.getHandle(job).describe();
        return { runId, historyLength, job: typedSearchAttributes.get(jobKey) };
      },
      states: () => this.published.filter((progress) => progress.job === job),
    };
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** One planning turn that lists everything there is. */
export function turnOf(pages: number, done: boolean, name = 'index'): PlannedTurn {
  return {
    index: ref(name),
    pages,
    items: pages * PAGE_ITEMS,
    bytes: 0,
    outside: 0,
    gaps: 0,
    pageItems: PAGE_ITEMS,
    done,
  };
}

/** A page that was scanned whole and is clean. */
export function closedPage(page: string, worker?: string): ScanPageResult {
  const counters = { outcomes: { ...noOutcomes(), clean: PAGE_ITEMS }, bytes: 0, standIn: 0 };
  const result = { page, listing: ref(`l-${page}`), items: PAGE_ITEMS, segment: ref(`s-${page}`), counters };
  return { end: 'closed', result, ...(worker !== undefined && { worker }) };
}

/** Resolves when it holds. */
export async function until(check: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`it did not come about within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function wellGoing(commits: CommitBody[]): Actors {
  return {
    beginJob: async () => ref('header'),
    openJob: async () => ({ fingerprint: '1:1' }),
    probe: async () => ({ ok: true }),
    planPages: async () => turnOf(4, true),
    readMarks: async () => [],
    scanPage: async (input: ScanPageInput) => closedPage(input.page),
    checkSource: async () => ({ ok: true, checks: [] }),
    previewSource: async () => ref('preview'),
    listAssets: async () => ref('assets'),
    askRemote: async () => true,
    estimateTurn: async () => ({ counts: NO_COUNTS, done: true }),
    commitPages: async (body) => {
      commits.push(body);
      return ref(`commit-${body.number}`);
    },
    sealPage: async (input) => {
      const closed = closedPage(input.page);
      if (closed.end !== 'closed') throw new TypeError('not closed');
      return closed.result;
    },
    planActions: async () => ({ count: 0 }),
    applyActions: async () => ({ result: { segment: ref('actions'), counts: noActions() }, unresolved: 0 }),
    publishStatus: async () => undefined,
    nextHours: async () => ({ open: true }),
    startScheduledScan: async () => ({ outcome: 'started', job: 'job' }),
    lookAtScan: async () => ({ open: true }),
    gatherActions: async () => ({ batches: [], rows: [] }),
    askActions: async ({ from, to }) => ({ granted: to - from, dropped: 0 }),
    noteJoin: async () => {
      throw new TypeError('no scan of this stage has an idempotency key');
    },
    deliverResults: async () => ({ sent: 0, behind: 0, unknown: true }),
    watchFeed: async () => {
      throw new TypeError('no connector of this stage is watched');
    },
    keepSubscription: async () => {
      throw new TypeError('no storage of this stage takes subscriptions');
    },
    openRetry: async () => {
      throw new TypeError('no scan of this stage is a retry');
    },
  };
}
