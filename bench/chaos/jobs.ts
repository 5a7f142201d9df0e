import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { type ApiClient, ApiError, createApiClient } from '../../api/client.ts';
import type { JobResource } from '../../api/contract.ts';
import { type Facts, snapshot } from '../../cli/demo/snapshot.ts';
import { messageOf } from '../../domain/errors.ts';
import { isFinal, type JobProgress } from '../../domain/job.ts';
import { QUERY } from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { type Corpus, makeCorpus } from './corpus.ts';
import type { ChaosStack } from './stack.ts';

const POLL_MS = 250;
/** The API must be reachable again within this. */
const START_WITHIN_MS = 120_000;
/** After the last word of a job, the API must tell the same within this. */
const TOLD_WITHIN_MS = 60_000;

/** One job of a run: what it was given, and what it came to. */
export interface RanJob {
  readonly job: string;
  readonly corpus: Corpus;
  /** The folder as it was before, entry by entry. */
  readonly before: ReadonlyMap<string, Facts>;
  readonly quarantine: string;
  /** The workflow's own result, asked of Temporal past all proxies. */
  readonly result: JobResult;
  /** The job as the API tells it in the end. */
  readonly told: JobResource;
  readonly seconds: number;
}

/** Scans generated folders, one job after the other, through an API that may be gone at any moment. */
export class JobChain {
  readonly #base: string;
  readonly #seed: number;
  readonly #items: number;
  readonly #api: ApiClient;
  readonly #client: Client;
  readonly #interrupted: AbortSignal;
  /** The job that runs now. */
  current: { readonly job: string; readonly workflow: string } | undefined;

  private constructor(
    stack: ChaosStack,
    base: string,
    seed: number,
    items: number,
    client: Client,
    interrupted: AbortSignal,
  ) {
    this.#base = base;
    this.#seed = seed;
    this.#items = items;
    this.#api = createApiClient({ origin: stack.api, timeoutMs: 15_000 });
    this.#client = client;
    this.#interrupted = interrupted;
  }

  static async open(
    stack: ChaosStack,
    base: string,
    seed: number,
    items: number,
    interrupted: AbortSignal,
  ): Promise<JobChain> {
    const client = new Client({ connection: await Connection.connect({ address: stack.temporal }) });
    return new JobChain(stack, base, seed, items, client, interrupted);
  }

  /**
   * Makes a folder, scans it with the action `move`, and waits for the job's end.
   * @throws Error when the job does not end by the time (Unix, in milliseconds), or the API cannot be reached for long
   */
  async run(number: number, until: () => number): Promise<RanJob> {
    const corpus = makeCorpus(path.join(this.#base, `data-${number}`), this.#seed, number, this.#items);
    const before = await snapshot(corpus.folder);
    const began = Date.now();
    const { job } = await this.#persist('the start of a job', START_WITHIN_MS, () =>
      this.#api.startJob({ folder: corpus.folder, action: 'move', scanner: 'standin' }),
    );
    const first = await this.#persist('a look at the job', START_WITHIN_MS, () => this.#api.job(job));
    this.current = { job, workflow: first.source.id };
    const result = await this.#result(first.source.id, job, until);
    const told = await this.#persist('the end of the job', TOLD_WITHIN_MS, async () => {
      const resource = await this.#api.job(job);
      if (isFinal(resource.state)) return resource;
      throw new ApiError('not_final', 0, `the API still tells ${resource.state} of ${job}, which has ended`);
    });
    this.current = undefined;
    const seconds = (Date.now() - began) / 1000;
    const quarantine = first.settings.quarantine ?? '';
    return { job, corpus, before, quarantine, result, told, seconds };
  }

  /** The workflow's progress, or undefined while nobody can tell. */
  async progress(): Promise<JobProgress | undefined> {
    const workflow = this.current?.workflow;
    if (workflow === undefined) return undefined;
    try {
      const connection = this.#client.connection as Connection;
      return await connection.withDeadline(Date.now() + 3_000, () =>
        this.#client.workflow.getHandle(workflow).query<JobProgress>(QUERY.progress),
      );
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  async #result(workflow: string, job: string, until: () => number): Promise<JobResult> {
    const connection = this.#client.connection as Connection;
    for (;;) {
      this.#interrupted.throwIfAborted();
      try {
        const status = await connection.withDeadline(Date.now() + 5_000, () =>
          this.#client.workflow.getHandle(workflow).describe(),
        );
        if (status.status.name !== 'RUNNING') {
          const result = (await this.#client.workflow.getHandle(workflow).result()) as JobResult;
          if (result.job === job) return result;
          throw new WrongJob(`the workflow ${workflow} ended with job ${result.job}, not ${job}`);
        }
      } catch (error) {
        if (error instanceof WrongJob || (error as Error).name === 'WorkflowFailedError') throw error;
      }
      if (Date.now() > until()) {
        const progress = JSON.stringify((await this.progress()) ?? 'nobody tells');
        throw new Error(`job ${job} has not ended in time; its progress: ${progress}`);
      }
      await pause(POLL_MS);
    }
  }

  /** What a client of the API does: asks again while the API is away, or what it needs is. */
  async #persist<T>(what: string, withinMs: number, ask: () => Promise<T>): Promise<T> {
    const end = Date.now() + withinMs;
    for (;;) {
      this.#interrupted.throwIfAborted();
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ApiError) || (error.status >= 400 && error.status < 500)) throw error;
        if (Date.now() > end) throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
        await pause(POLL_MS);
      }
    }
  }
}

class WrongJob extends Error {}
