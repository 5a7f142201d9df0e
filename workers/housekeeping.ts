import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { scanIsOpen } from '../activities/rebuild-status/running-jobs.ts';
import { rebuildSources } from '../activities/rebuild-status/sources.ts';
import type { WorkerConfig } from '../config/worker.ts';
import { isRemoteId } from '../domain/remote.ts';
import type { OnAccessTarget } from '../intake/gatherer.ts';
import { createHandOver, createReceived } from '../intake/hand-over.ts';
import { createTargets, scannerOf } from '../intake/open-intake.ts';
import { remoteTarget } from '../intake/remote-target.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createScheduleStore } from '../schedules/store.ts';
import { converterOf } from './connection.ts';
import { IntakeLoop } from './intake-loop.ts';
import type { Log } from './log.ts';
import type { Resources } from './resources.ts';
import { ResultsLoop } from './results-loop.ts';
import { ScheduleFile } from './schedule-file.ts';
import { StatusLoop } from './status-loop.ts';
import { SweepLoop } from './sweep-loop.ts';
import { WatchLoop } from './watch-loop.ts';
import { watchOrders } from './watch-orders.ts';

/** A stopping process waits so long for what is under way, in milliseconds: all of it may be done again by another. */
const STOP_MS = 500;

export interface Housekeeping {
  stop(): Promise<void>;
}

/**
 * What an orchestrator does beside its workflows: it keeps the status like the truth, sweeps the ledger, hands over events that got
 * stuck, and sets up the watches and schedules of the configuration file. Nothing waits for it.
 */
export function startHousekeeping(connection: NativeConnection, resources: Resources, log: Log): Housekeeping {
  const { config } = resources;
  const { ledger, status } = resources.orchestrator;
  if (!config.roles.includes('orchestrator')) return { stop: () => Promise.resolve() };
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: converterOf(config.temporal),
  });
  const loops: { stop(): Promise<void> }[] = [];
  const orders = async () => {
    await resources.readConnectors();
    return watchOrders(config, resources.revisionOf);
  };
  const watcher = new WatchLoop({ client, orders, status, log });
  resources.onConnectors(() => watcher.nudge());
  watcher.start();
  loops.push(watcher);
  const file = new ScheduleFile();
  file.start(createScheduleStore(client), config.schedules, log);
  loops.push(file);
  if (status !== undefined) {
    const loop = new StatusLoop({ status, sources: rebuildSources(client, ledger), log, owner: randomUUID() });
    resources.onStatusUp(() => {
      loop.nudge();
      watcher.nudge();
    });
    loop.start();
    loops.push(loop);
  }
  const sweeper = new SweepLoop({ ledger, log, waits: (job) => scanIsOpen(client, job) });
  sweeper.start();
  if (config.results.length > 0) {
    const results = new ResultsLoop({ client, sinks: config.results.map(({ id }) => id), log });
    results.start();
    loops.push(results);
  }
  loops.push(sweeper);
  const targets = createTargets(config);
  const intake = new IntakeLoop({
    pages: ledger.intake,
    received: createReceived(client),
    handOver: createHandOver(client),
    start: async (source, shard) => {
      const configured = config.connectors.some(({ id }) => id === source);
      const target = configured ? targets(source) : await remoteTargetOf(source, config, ledger);
      if (target === undefined) return undefined;
      const { shards: _, shard: __, ...start } = target;
      return { ...start, shard };
    },
    log,
  });
  intake.start();
  loops.push(intake);
  let stopped: Promise<unknown> | undefined;
  return {
    async stop() {
      stopped ??= Promise.race([
        Promise.allSettled(loops.map((loop) => loop.stop())),
        sleep(STOP_MS, undefined, { ref: false }),
      ]);
      await stopped;
    },
  };
}

/** How what a remote connector pushed is scanned; undefined for one that never registered. @throws LedgerError */
async function remoteTargetOf(
  source: string,
  config: WorkerConfig,
  ledger: Ledger,
): Promise<OnAccessTarget | undefined> {
  if (!isRemoteId(source)) return undefined;
  const entry = await ledger.remotes.newest(source);
  return entry === undefined ? undefined : remoteTarget(entry, scannerOf(config));
}
