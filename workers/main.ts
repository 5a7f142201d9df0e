import '../config/heap.ts';
import path from 'node:path';
import { Client } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { loadWorkerConfig } from '../config/worker.ts';
import { CodedError, messageOf } from '../domain/errors.ts';
import { connectTemporal, converterOf } from './connection.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createLog, temporalLogger } from './log.ts';
import { orchestrators } from './orchestrators.ts';
import { openResources } from './resources.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { tellOfTls } from './tell-of-tls.ts';
import { scanWorkers } from './workers.ts';

/** Where bundles are kept between starts. */
const BUNDLES = path.resolve(import.meta.dirname, '..', '.parts', 'bundles');

/** A worker process: reads its settings, takes up its roles, and works until SIGTERM or until its parent is gone. */
async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  const log = createLog(config.logLevel);
  const logger = temporalLogger(log);
  Runtime.install({ logger, shutdownSignals: [] });
  const connection = await connectTemporal(config.temporal);
  await registerSearchAttributes(connection, config.temporal.namespace);
  const { namespace } = config.temporal;
  const converter = converterOf(config.temporal);
  const client = new Client({ connection, namespace, dataConverter: converter });
  const resources = await openResources(config, client, log);
  const options = { connection, namespace, dataConverter: converter, resources, site: config.site };
  tellOfTls(config, log);
  const orchestration = config.roles.includes('orchestrator')
    ? await orchestrators(options, config, BUNDLES, log, logger)
    : undefined;
  const workers = [
    ...(orchestration?.workers ?? []),
    ...(config.roles.includes('scan') ? await scanWorkers({ ...options, pageSlots: config.pageSlots }) : []),
  ];
  const housekeeping = startHousekeeping(connection, resources, log);
  const stop = () => {
    void housekeeping.stop();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  const running = Promise.all(workers.map((worker) => worker.run()));
  await Promise.race([orchestration?.announce(), running]);
  log.info({ roles: config.roles, site: config.site, scanners: Object.keys(config.scanners) }, 'worker is ready');
  process.send?.({ type: 'ready' });
  await running;
  await housekeeping.stop();
  await resources.close();
  await connection.close();
  log.info('worker has stopped');
  if (process.connected) process.disconnect();
}

try {
  await main();
} catch (error) {
  const message = messageOf(error);
  process.stderr.write(`worker: ${error instanceof CodedError ? message : ((error as Error).stack ?? message)}\n`);
  process.exit(1);
}
