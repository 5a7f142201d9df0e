import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, WorkflowNotFoundError } from '@temporalio/common';
import { messageOf } from '../domain/errors.ts';
import type { WatchHealth, WatchOrder } from '../domain/watch.ts';
import type { WatchStatus } from '../status/status.ts';
import { QUEUE, SEARCH_ATTRIBUTE, WATCH, WATCH_PREFIX, WORKFLOW, watchWorkflowId } from '../workflows/messages.ts';
import type { Log } from './log.ts';

/** Between two comparisons, in milliseconds. */
const EVERY_MS = 60_000;
const LONGEST_ASK_MS = 5_000;
const CONNECTOR = defineSearchAttributeKey(SEARCH_ATTRIBUTE.connector, 'KEYWORD');

export interface WatchLoopOptions {
  readonly client: Client;
  /** As they are now. Asked for after the watches that run, so that one that another process has just begun is among them. */
  readonly orders: () => Promise<readonly WatchOrder[]>;
  readonly status: WatchStatus | undefined;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly everyMs?: number;
}

/**
 * Makes the watches that run those of the configuration: starts what is missing, tells each once what it is to do, stops what is no longer
 * configured, and writes their health into the status. Any number of processes with the same configuration may do so.
 */
export class WatchLoop {
  readonly #options: WatchLoopOptions;
  readonly #stopping = new AbortController();
  /** What each watch knows that this process wants of it, as JSON. */
  readonly #told = new Map<string, string>();
  #awake = new AbortController();
  #running: Promise<void> | undefined;
  #failing = false;

  constructor(options: WatchLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** The status may have lost its data: the next comparison comes at once. */
  nudge(): void {
    this.#awake.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#awake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, everyMs = EVERY_MS } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.round();
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) log.warn(`watches can't be compared with the configuration: ${messageOf(error)}`);
        this.#failing = true;
      }
      await sleep(everyMs, undefined, { signal: this.#awake.signal, ref: false }).catch(() => undefined);
      if (!this.#stopping.signal.aborted) this.#awake = new AbortController();
    }
  }

  /** One comparison. @throws what the client throws */
  async round(): Promise<void> {
    const { client, orders, log } = this.#options;
    const running = new Set<string>();
    const query = `ExecutionStatus = "Running" AND WorkflowType = "${WORKFLOW.connectorWatch}"`;
    for await (const { workflowId } of client.workflow.list({ query })) {
      if (workflowId.startsWith(WATCH_PREFIX)) running.add(workflowId.slice(WATCH_PREFIX.length));
    }
    for (const order of await orders()) {
      const known = running.delete(order.connector);
      if (!known || this.#told.get(order.connector) !== JSON.stringify(order)) await this.#tell(order);
      if (known) await this.#show(order.connector);
    }
    for (const connector of running) {
      log.info({ connector }, 'no longer watched: it is not in the configuration');
      await this.#end(connector);
    }
  }

  async #tell(order: WatchOrder): Promise<void> {
    await this.#options.client.workflow.signalWithStart(WORKFLOW.connectorWatch, {
      workflowId: watchWorkflowId(order.connector),
      taskQueue: QUEUE.orchestrate,
      args: [order],
      signal: WATCH.order,
      signalArgs: [order],
      typedSearchAttributes: [{ key: CONNECTOR, value: order.connector }],
      staticSummary: `Watches connector ${order.connector}`,
      priority: { priorityKey: 2 },
    });
    this.#told.set(order.connector, JSON.stringify(order));
  }

  /** A watch without a worker does not answer, and its health is not known then. */
  async #show(connector: string): Promise<void> {
    const { client, status } = this.#options;
    if (status === undefined) return;
    try {
      const health = await client.connection.withDeadline(Date.now() + LONGEST_ASK_MS, () =>
        client.workflow.getHandle(watchWorkflowId(connector)).query<WatchHealth>(WATCH.health),
      );
      await status.publishWatch(health);
    } catch {
      // It is shown the next time.
    }
  }

  async #end(connector: string): Promise<void> {
    const { client, status } = this.#options;
    this.#told.delete(connector);
    try {
      await client.workflow.getHandle(watchWorkflowId(connector)).signal(WATCH.stop, { actor: 'configuration' });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    await status?.forgetWatch(connector).catch(() => undefined);
  }
}
