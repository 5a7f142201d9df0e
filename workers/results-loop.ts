import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { messageOf } from '../domain/errors.ts';
import { QUEUE, resultsOutWorkflowId, WORKFLOW } from '../workflows/messages.ts';
import type { Log } from './log.ts';

/** A run may have ended, because a worker with another configuration did not know its sink. Milliseconds. */
const EVERY_MS = 60_000;

export interface ResultsLoopOptions {
  readonly client: Client;
  readonly sinks: readonly string[];
  readonly log: Pick<Log, 'warn'>;
}

/** Sees to it that each sink of the configuration has its run. Any number of processes may do so. */
export class ResultsLoop {
  readonly #options: ResultsLoopOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: ResultsLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      for (const sink of this.#options.sinks) await this.#ensure(sink);
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #ensure(sink: string): Promise<void> {
    const { client, log } = this.#options;
    try {
      await client.workflow.start(WORKFLOW.resultsOut, {
        workflowId: resultsOutWorkflowId(sink),
        taskQueue: QUEUE.orchestrate,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [sink],
      });
    } catch (error) {
      log.warn({ sink }, `the sending of results could not be started; it is tried again: ${messageOf(error)}`);
    }
  }
}
