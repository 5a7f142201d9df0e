import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { createAllowedBytes } from '../activities/allowed.ts';
import type { OrchestratorDeps, WorkerDeps } from '../activities/deps.ts';
import type { SubscriptionDeps } from '../activities/keep-subscription.ts';
import { LiveBoard } from '../activities/live.ts';
import type { ScheduledScan } from '../activities/schedules/start-scheduled-scan.ts';
import type { WatchDeps } from '../activities/watch-feed.ts';
import { madeSettings, withMade } from '../config/connectors/made.ts';
import { readTls } from '../config/tls.ts';
import type { WorkerConfig } from '../config/worker.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { type ConnectorSettings, createConnectors } from '../connectors/registry.ts';
import type { Source } from '../domain/job.ts';
import { isRemoteId } from '../domain/remote.ts';
import type { ScheduleDefinition } from '../domain/schedule/schedule.ts';
import { openIntake } from '../intake/open-intake.ts';
import { openLedger } from '../ledger/ledger.ts';
import { MadeConnectors } from '../ledger/made-connectors.ts';
import { createScanner } from '../scanner/client.ts';
import { ScannerError } from '../scanner/errors.ts';
import type { Scanner } from '../scanner/scanner.ts';
import { createEventBacklog, type EventBacklog } from '../status/event-backlog.ts';
import { openRedisLink } from '../status/redis-link.ts';
import { createRedisStatus } from '../status/redis-status.ts';
import { createVersionMemory, NO_MEMORY } from '../status/version-memory.ts';
import type { Log } from './log.ts';
import { ownPlaces } from './own-places.ts';
import { createRemoteBindings } from './remote-binding.ts';
import { reservedPlaces } from './reserved-places.ts';
import { scheduledScan } from './scheduled-scans.ts';
import { createSinks } from './sinks.ts';
import { openWatchFeed, subscriptionsOf, type Watched } from './watched.ts';

/** Everything the activities of this process share: one scanner client, one ledger, one status connection. */
export interface Resources {
  /** The configuration, with the connectors that were made through the API at each moment. */
  readonly config: WorkerConfig;
  /** Reads those anew. @throws LedgerError */
  readConnectors(): Promise<void>;
  /** The revision of one of those. */
  revisionOf(connector: string): number | undefined;
  /** Calls back whenever one of those changed. */
  onConnectors(heard: () => void): void;
  readonly worker: WorkerDeps;
  readonly orchestrator: OrchestratorDeps;
  /** Undefined without Redis. */
  readonly backlog: EventBacklog | undefined;
  readonly watch: WatchDeps;
  readonly subscriptions: SubscriptionDeps;
  /** What the scan of a schedule is started with. */
  scanOf(definition: ScheduleDefinition): ScheduledScan;
  /** Calls back whenever the connection to Redis is there (again). */
  onStatusUp(heard: () => void): void;
  close(): Promise<void>;
}

/** @throws LedgerError, ScannerError for settings that can't work */
export async function openResources(own: WorkerConfig, client: Client, log: Log): Promise<Resources> {
  const ledger = await openLedger(own.ledger.place, { access: own.ledger.access });
  const made = new MadeConnectors({
    book: async () => ledger.connectors,
    read: (entry) => madeSettings(entry, own, (problem) => log.warn(problem)),
    say: (problem) => log.warn(problem),
  });
  await made.start();
  const config = withMade(own, made);
  let heard = (): void => undefined;
  const status =
    config.redis === undefined
      ? undefined
      : await createRedisStatus(config.redis.url.reveal(), {
          ...(config.redis.tls !== undefined && { tls: readTls(config.redis.tls) }),
          say: (event, detail) => {
            log[event === 'up' ? 'info' : 'warn']({ event, detail }, `status store is ${event}`);
            if (event === 'up') heard();
          },
        });
  const link =
    config.redis === undefined
      ? undefined
      : await openRedisLink(config.redis.url.reveal(), {
          ...(config.redis.tls !== undefined && { tls: readTls(config.redis.tls) }),
          commandTimeoutMs: 1_000,
          connectTimeoutMs: 1_000,
          // The status tells of the same Redis.
          say: () => undefined,
        });
  const scanners = new Map(Object.values(config.scanners).map((s) => [s.name, scannerOf(s)] as const));
  const connectors = createConnectors();
  const live = new LiveBoard(status, `${hostname()}-${process.pid}`);
  const remotes = createRemoteBindings({
    book: ledger.remotes,
    allowed: config.allowedAddresses,
    masterKey: config.remote.masterKey,
  });
  /** What is kept for long, as a job's asset or a source of events, is what is defined now: it may have been changed a moment ago. */
  const meet = async (source: Source): Promise<void> => {
    if (!isKnown(source, own)) await made.refresh();
  };
  const revisionOf = ({ kind, id }: Source): number | undefined =>
    kind === 'connector' ? made.get(id)?.entry.revision : undefined;
  const worker: WorkerDeps = {
    ledger,
    revisionOf,
    allowed: createAllowedBytes(ledger.allowed),
    live,
    memory: link === undefined ? NO_MEMORY : createVersionMemory(link),
    pageItems: config.page.items,
    pageBytes: config.page.bytes,
    patienceMs: config.patienceMs,
    connector: async (source, settings, known) => {
      const { quarantine } = settings;
      const isLate = typeof known === 'number' && (revisionOf(source) ?? 0) < known;
      if (known === 'newest' || isLate || !isKnown(source, config)) await meet(source);
      const binding = isRemote(source, config)
        ? await remotes.binding(source.id, quarantine)
        : bindingOf(source, quarantine, config);
      return await connectors.get(binding);
    },
    scanPassword: (source) =>
      source.kind === 'connector' ? config.connectors.find(({ id }) => id === source.id)?.scanPassword : undefined,
    scanner: (name) => {
      const scanner = scanners.get(name);
      if (scanner !== undefined) return scanner;
      const known = [...scanners.keys()].join(', ') || 'none';
      throw new ScannerError('scanner_config', `this worker has no scanner named ${name}; it has: ${known}`);
    },
    announce: async (job, findings) => {
      if (findings.length > 0) await status?.publishFindings(job, findings).catch(() => undefined);
    },
  };
  const backlog = link === undefined ? undefined : createEventBacklog(link);
  const intake = openIntake(config, client, {
    ledger: async () => ledger,
    backlog: async (source, shard) => await backlog?.pending(source, shard),
  });
  const watched: Watched = {
    binding: (source) => bindingOf(source, undefined, config),
    connect: (settings) => connectors.get(settings),
  };
  return {
    config,
    readConnectors: () => made.refresh(),
    revisionOf: (id) => made.get(id)?.entry.revision,
    onConnectors: (told) => made.onChange(told),
    worker,
    orchestrator: { ledger, status, sinks: createSinks(config.results, config.allowedAddresses) },
    backlog,
    watch: {
      ledger,
      intake,
      openFeed: async (source, cursor) => {
        await meet(source);
        return await openWatchFeed(source, cursor, config, watched);
      },
      announce: async (connector, live) => {
        await status?.publishWatchLive(connector, live).catch(() => undefined);
      },
    },
    subscriptions: subscriptionsOf(config, watched, meet),
    scanOf: (definition) => scheduledScan(config, definition),
    onStatusUp: (told) => {
      heard = told;
    },
    close: async () => {
      made.stop();
      live.close();
      await intake.close();
      await Promise.allSettled([...scanners.values()].map((scanner) => scanner.close()));
      await Promise.allSettled([connectors.close(), status?.close(), link?.close(), ledger.close()]);
    },
  };
}

function scannerOf(settings: WorkerConfig['scanners'][string]): Scanner {
  return createScanner({
    name: settings.name,
    url: settings.url,
    ...(settings.token !== undefined && { token: settings.token.reveal() }),
    ...(settings.protectedEntity !== undefined && { protectedEntity: settings.protectedEntity }),
    ...(settings.caFile !== undefined && { caFile: settings.caFile }),
    verifyTls: settings.verifyTls,
    metadata: settings.metadata,
    maxBytes: settings.maxBytes,
    maxConcurrency: settings.concurrency,
    maxBytesInFlight: settings.bytesInFlight,
    allowStandIn: settings.standIn,
  });
}

/** Whether nothing more need be asked about a source: a connector that registers by itself is in a book of its own. */
function isKnown({ kind, id }: Source, { connectors }: WorkerConfig): boolean {
  return kind === 'folder' || isRemoteId(id) || connectors.some((connector) => connector.id === id);
}

/** Whether a source registered by itself: it is none of the configuration. */
function isRemote({ kind, id }: Source, { connectors }: WorkerConfig): boolean {
  return kind === 'connector' && isRemoteId(id) && !connectors.some((connector) => connector.id === id);
}

/** What a source binds to: a folder as it was named, or a connector of this worker's configuration. */
function bindingOf(source: Source, chosen: string | undefined, config: WorkerConfig): ConnectorSettings {
  // Our own state is never an item, wherever it lies.
  const { folders: exclude, bucket } = ownPlaces(config);
  if (source.kind === 'folder') {
    const moved = chosen !== undefined && { quarantine: chosen };
    return { kind: 'filesystem', id: source.id, asset: source.path, exclude, ...moved };
  }
  const found = config.connectors.find((connector) => connector.id === source.id);
  if (found === undefined) {
    throw new ConnectorError('configuration', `this worker's configuration has no connector ${source.id}`);
  }
  const quarantine = chosen ?? found.quarantine;
  const own = { id: found.id, ...(quarantine !== undefined && { quarantine }) };
  const ledger = bucket !== undefined && { ledger: bucket };
  const reserved = (one: Parameters<typeof reservedPlaces>[0]) => ({
    reserved: reservedPlaces(one, config.connectors),
  });
  switch (found.kind) {
    case 'filesystem': {
      // The configured quarantine stays one when a scan names another.
      const kept = found.quarantine === undefined ? [] : [found.quarantine];
      return { kind: found.kind, ...own, asset: found.asset, exclude: [...exclude, ...kept] };
    }
    case 'aws_s3':
      return { kind: found.kind, ...own, ...ledger, ...reserved(found), ...found.storage };
    case 'azure_blob_storage':
      return { kind: found.kind, ...own, ...ledger, ...reserved(found), ...found.storage };
    case 'google_cloud_storage':
      return { kind: found.kind, ...own, ...ledger, ...reserved(found), ...found.storage };
    case 'sharepoint':
      return { kind: found.kind, ...own, ...found.storage };
    case 'onedrive':
      return { kind: found.kind, ...own, ...found.storage };
  }
}
