import { readFileSync, statSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { dataConverter } from '../codec/data-converter.ts';
import type { ApiConfig } from '../config/api.ts';
import { withMade } from '../config/connectors/made.ts';
import { readTls } from '../config/tls.ts';
import { createLocalDeliveries } from '../intake/delivery-memory.ts';
import { createIntake } from '../intake/gatherer.ts';
import { createHandOver } from '../intake/hand-over.ts';
import { openIntake, scannerOf } from '../intake/open-intake.ts';
import { createRedisDeliveries } from '../intake/redis-deliveries.ts';
import { vendorGet } from '../intake/verify/vendor-get.ts';
import { createWebhooks } from '../intake/webhooks.ts';
import { createScanner } from '../scanner/client.ts';
import { createEventBacklog } from '../status/event-backlog.ts';
import { openRedisLink } from '../status/redis-link.ts';
import { createRedisStatus } from '../status/redis-status.ts';
import { createAudit } from './auth/audit.ts';
import { createNonces } from './auth/nonces.ts';
import { resourceOf, resourcesOf } from './connector-resources.ts';
import type { ApiDeps, NamedScanner } from './deps.ts';
import { hookedNow } from './hooked-connectors.ts';
import { createJobControl } from './job-control.ts';
import { createLedgerDoor } from './ledger-door.ts';
import { createMadeDoor } from './made-door.ts';
import { createPresence } from './old/presence.ts';
import { createPushes } from './old/pushes.ts';
import { createRemoteDoor } from './old/remote-door.ts';
import { createRemotes } from './old/remotes.ts';
import { shownConfig } from './old/shown-config.ts';
import { createResultsCheck } from './results-view.ts';
import { createWake } from './wake.ts';

const PACKAGE = new URL('../package.json', import.meta.url);
/** Items that remote connectors push and that wait to be handed over, at most, in this process. */
const MOST_PUSHED = 200_000;

/** The outside of the API, from its configuration. Nothing need be there yet: what is missing is an error of its first use. */
export async function buildDeps(
  config: ApiConfig,
  log: Logger,
  stopping: AbortSignal,
): Promise<{ deps: ApiDeps; close: () => Promise<void> }> {
  const connection = temporalConnection(config);
  const client = new Client({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: dataConverter(config.temporal.codecKeys),
  });
  const { redis } = config;
  const tls = redis?.tls !== undefined && { tls: readTls(redis.tls) };
  const status =
    redis === undefined
      ? undefined
      : await createRedisStatus(redis.url.reveal(), {
          ...tls,
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
      verifyTls,
      metadata,
      maxBytes,
      concurrency,
      bytesInFlight,
    }): NamedScanner => ({
      name,
      standIn,
      verifyTls,
      scanner: createScanner({
        name,
        url: address,
        ...(token !== undefined && { token: token.reveal() }),
        ...(protectedEntity !== undefined && { protectedEntity }),
        ...(caFile !== undefined && { caFile }),
        verifyTls,
        metadata,
        maxBytes,
        maxConcurrency: concurrency,
        maxBytesInFlight: bytesInFlight,
        allowStandIn: standIn,
      }),
    }),
  );
  const ledger = createLedgerDoor(config.ledger.place, config.ledger.access);
  const link =
    redis === undefined
      ? undefined
      : await openRedisLink(redis.url.reveal(), {
          ...tls,
          commandTimeoutMs: 1_000,
          connectTimeoutMs: 1_000,
          // The status tells of the same Redis.
          say: () => undefined,
        });
  const figures = link === undefined ? undefined : createEventBacklog(link);
  const { made, door } = createMadeDoor(config, ledger, log);
  const live = withMade(config, made);
  const intake = openIntake(live, client, {
    ledger: () => ledger.open(),
    backlog: async (source, shard) => await figures?.pending(source, shard),
  });
  const deliveries =
    redis === undefined ? createLocalDeliveries() : await createRedisDeliveries(redis.url.reveal(), { ...tls });
  const hooked = hookedNow(
    () => live.connectors,
    (problem) => log.warn(problem),
  );
  const webhooks = createWebhooks({
    connectors: hooked,
    intake,
    wake: createWake(client),
    memory: deliveries,
    get: vendorGet(),
    say: (event, connector, what) => log.info({ connector }, `the subscription of ${what} was ${event}`),
  });
  const presence = createPresence(link === undefined ? undefined : (words) => link.command(words));
  const { masterKey } = config.remote;
  const remotes = createRemotes({
    book: async () => (await ledger.open()).remotes,
    presence,
    allowed: config.allowedAddresses,
    loopback: config.loopback,
    scanner: scannerOf(config),
    ...(config.remote.auth && masterKey !== undefined && { masterKey }),
    log,
    audit: createAudit(() => ledger.open(), log),
  });
  const backlog = async (source: string, shard: number) => await figures?.pending(source, shard);
  const pushes = createPushes({
    intake: (target) =>
      createIntake({
        ledger: () => ledger.open(),
        handOver: createHandOver(client),
        target,
        backlog: async () => undefined,
        mostWaiting: MOST_PUSHED,
      }),
    backlog,
    scanner: scannerOf(config),
    quietMs: config.remote.quietMs,
  });
  const resources = resourcesOf(
    config.connectors.map((connector) => ({ ...resourceOf(connector), managed: 'file' as const })),
    made,
  );
  const deps: ApiDeps = {
    made: door,
    settings: {
      appEnv: config.appEnv,
      version: productVersion(),
      loopback: config.loopback,
      key: config.apiKey?.reveal(),
      requestsPerSecond: config.requestsPerSecond,
      folderScans: config.folderScans,
      publicHosts: config.publicHosts,
      home: config.home,
      temporal: {
        namespace: config.temporal.namespace,
        ...(config.temporal.uiUrl !== undefined && { uiUrl: config.temporal.uiUrl }),
      },
      get connectors() {
        return resources();
      },
      shown: shownConfig(config),
      builtAt: statSync(PACKAGE).mtime.toISOString(),
    },
    control: createJobControl(client, config.temporal.address),
    status,
    ledger,
    webhooks,
    intake,
    remote: {
      remotes,
      door: createRemoteDoor({
        remotes,
        nonces: createNonces(link === undefined ? undefined : (words) => link.command(words)),
        auth: config.remote.auth,
        tokens: config.remote.tokens.map((token) => token.reveal()),
        loopback: config.loopback,
      }),
      pushes,
      quietMs: config.remote.quietMs,
    },
    scanners,
    results: createResultsCheck(
      client,
      config.results.map(({ id }) => id),
    ),
    log,
    stopping,
  };
  // The channel to Temporal stays: closing it under a call that is being tried again raises an error that nobody can catch, and
  // the process ends anyway.
  await made.start();
  const close = async (): Promise<void> => {
    made.stop();
    await intake.close();
    await pushes.close();
    await Promise.allSettled([
      status?.close(),
      deliveries.close(),
      link?.close(),
      ledger.close(),
      ...scanners.map(({ scanner }) => scanner.close()),
    ]);
  };
  return { deps, close };
}

/** Lazy, and quick to come back: by default a channel waits for up to two minutes between two attempts. */
function temporalConnection({ temporal }: ApiConfig): Connection {
  const { tls } = temporal;
  const { ca, cert, key } = readTls(tls ?? {});
  return Connection.lazy({
    address: temporal.address,
    connectTimeout: 3_000,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 3_000 },
    ...(tls !== undefined && {
      tls: {
        ...(ca !== undefined && { serverRootCACertificate: ca }),
        ...(cert !== undefined && key !== undefined && { clientCertPair: { crt: cert, key } }),
        ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
      },
    }),
  });
}

function productVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
    version: string;
  };
  return version;
}
