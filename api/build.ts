import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ApiConfig } from '../config/api.ts';
import type { ConnectorSettings } from '../config/connectors/settings.ts';
import { createScanner } from '../scanner/client.ts';
import { createRedisStatus } from '../status/redis-status.ts';
import type { ConnectorResource } from './contract.ts';
import type { ApiDeps, NamedScanner } from './deps.ts';
import { createJobControl } from './job-control.ts';
import { createLedgerDoor } from './ledger-door.ts';

/** The outside of the API, from its configuration. Nothing need be there yet: what is missing is an error of its first use. */
export async function buildDeps(
  config: ApiConfig,
  log: Logger,
  stopping: AbortSignal,
): Promise<{ deps: ApiDeps; close: () => Promise<void> }> {
  const connection = temporalConnection(config);
  const client = new Client({ connection, namespace: config.temporal.namespace });
  const url = config.redisUrl;
  const status =
    url === undefined
      ? undefined
      : await createRedisStatus(url.reveal(), {
          say: (event, detail) =>
            event === 'up' ? log.info(`Redis is there: ${detail}`) : log.warn(`Redis: ${detail}`),
        });
  const scanners = Object.values(config.scanners).map(
    ({
      name,
      url: address,
      standIn,
      token,
      protectedEntity,
      caFile,
      metadata,
      maxBytes,
      concurrency,
      bytesInFlight,
    }): NamedScanner => ({
      name,
      standIn,
      scanner: createScanner({
        name,
        url: address,
        ...(token !== undefined && { token: token.reveal() }),
        ...(protectedEntity !== undefined && { protectedEntity }),
        ...(caFile !== undefined && { caFile }),
        metadata,
        maxBytes,
        maxConcurrency: concurrency,
        maxBytesInFlight: bytesInFlight,
        allowStandIn: standIn,
      }),
    }),
  );
  const ledger = createLedgerDoor(config.ledger.place, config.ledger.access);
  const deps: ApiDeps = {
    settings: {
      appEnv: config.appEnv,
      version: productVersion(),
      loopback: config.loopback,
      key: config.apiKey?.reveal(),
      requestsPerSecond: config.requestsPerSecond,
      folderScans: config.folderScans,
      home: config.home,
      temporal: {
        namespace: config.temporal.namespace,
        ...(config.temporal.uiUrl !== undefined && { uiUrl: config.temporal.uiUrl }),
      },
      connectors: config.connectors.map(resourceOf),
    },
    control: createJobControl(client, config.temporal.address),
    status,
    ledger,
    scanners,
    log,
    stopping,
  };
  // The channel to Temporal stays: closing it under a call that is being tried again raises an error that nobody can catch, and
  // the process ends anyway.
  const close = async (): Promise<void> => {
    await Promise.allSettled([status?.close(), ledger.close(), ...scanners.map(({ scanner }) => scanner.close())]);
  };
  return { deps, close };
}

/** Lazy, and quick to come back: by default a channel waits for up to two minutes between two attempts. */
/** What is told of a connector: never what its workers open it with. */
function resourceOf(connector: ConnectorSettings): ConnectorResource {
  const { id, kind, asset, filter, action, quarantine, maxSize, site, maxActions, maxActionsWindow } = connector;
  return {
    id,
    kind,
    asset,
    filter,
    action,
    dryRun: false,
    ...(quarantine !== undefined && { quarantine }),
    ...(maxSize !== undefined && { maxSize }),
    ...(site !== undefined && { site }),
    ...(maxActions !== undefined && { maxActions }),
    ...(maxActionsWindow !== undefined && { maxActionsWindow }),
  };
}

function temporalConnection({ temporal }: ApiConfig): Connection {
  const { tls } = temporal;
  return Connection.lazy({
    address: temporal.address,
    connectTimeout: 3_000,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 3_000 },
    ...(tls !== undefined && {
      tls: {
        ...(tls.caFile !== undefined && { serverRootCACertificate: readFileSync(tls.caFile) }),
        ...(tls.certFile !== undefined &&
          tls.keyFile !== undefined && {
            clientCertPair: { crt: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
          }),
      },
    }),
  });
}

function productVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
