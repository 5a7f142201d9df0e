import { hostname } from 'node:os';
import { createAllowedBytes } from '../activities/allowed.ts';
import type { OrchestratorDeps, WorkerDeps } from '../activities/deps.ts';
import { LiveBoard } from '../activities/live.ts';
import type { ScheduledScan } from '../activities/schedules/start-scheduled-scan.ts';
import type { WorkerConfig } from '../config/worker.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { type ConnectorSettings, createConnectors } from '../connectors/registry.ts';
import type { Source } from '../domain/job.ts';
import type { ScheduleDefinition } from '../domain/schedule/schedule.ts';
import { openLedger } from '../ledger/ledger.ts';
import { createScanner } from '../scanner/client.ts';
import { ScannerError } from '../scanner/errors.ts';
import type { Scanner } from '../scanner/scanner.ts';
import { createRedisStatus } from '../status/redis-status.ts';
import type { Log } from './log.ts';
import { ownPlaces } from './own-places.ts';
import { reservedPlaces } from './reserved-places.ts';
import { scheduledScan } from './scheduled-scans.ts';

/** Everything the activities of this process share: one scanner client, one ledger, one status connection. */
export interface Resources {
  readonly worker: WorkerDeps;
  readonly orchestrator: OrchestratorDeps;
  /** What the scan of a schedule is started with. */
  scanOf(definition: ScheduleDefinition): ScheduledScan;
  /** Calls back whenever the connection to Redis is there (again). */
  onStatusUp(heard: () => void): void;
  close(): Promise<void>;
}

/** @throws LedgerError, ScannerError for settings that can't work */
export async function openResources(config: WorkerConfig, log: Log): Promise<Resources> {
  const ledger = await openLedger(config.ledger.place, { access: config.ledger.access });
  let heard = (): void => undefined;
  const status =
    config.redisUrl === undefined
      ? undefined
      : await createRedisStatus(config.redisUrl.reveal(), {
          say: (event, detail) => {
            log[event === 'up' ? 'info' : 'warn']({ event, detail }, `status store is ${event}`);
            if (event === 'up') heard();
          },
        });
  const scanners = new Map(Object.values(config.scanners).map((s) => [s.name, scannerOf(s)] as const));
  const connectors = createConnectors();
  const live = new LiveBoard(status, `${hostname()}-${process.pid}`);
  const worker: WorkerDeps = {
    ledger,
    allowed: createAllowedBytes(ledger.allowed),
    live,
    pageItems: config.page.items,
    pageBytes: config.page.bytes,
    patienceMs: config.patienceMs,
    connector: (source, settings) => connectors.get(bindingOf(source, settings.quarantine, config)),
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
  return {
    worker,
    orchestrator: { ledger, status },
    scanOf: (definition) => scheduledScan(config, definition),
    onStatusUp: (told) => {
      heard = told;
    },
    close: async () => {
      live.close();
      await Promise.allSettled([...scanners.values()].map((scanner) => scanner.close()));
      await Promise.allSettled([connectors.close(), status?.close(), ledger.close()]);
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
    metadata: settings.metadata,
    maxBytes: settings.maxBytes,
    maxConcurrency: settings.concurrency,
    maxBytesInFlight: settings.bytesInFlight,
    allowStandIn: settings.standIn,
  });
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
