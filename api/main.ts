import '../config/heap.ts';
import { loadApiConfig } from '../config/api.ts';
import { ConfigError } from '../config/errors.ts';
import { CodedError } from '../domain/errors.ts';
import { createApi } from './app.ts';
import { buildDeps } from './build.ts';
import { watchCertificate } from './certificate.ts';
import { createLog } from './log.ts';
import { ListenError, serve, stopServing } from './server.ts';

/** How long requests under way may go on once the process is told to stop, in milliseconds. */
const GRACE_MS = 8_000;

/** The API process. Exit codes: 0 after a stop, 1 when it can't start (one line says why), 2 for its configuration. */
async function main(): Promise<void> {
  const config = loadApiConfig(process.env);
  const log = createLog(config.logLevel, 'api');
  const stopping = new AbortController();
  const { deps, close } = await buildDeps(config, log, stopping.signal);
  const served = await serve(createApi(deps), config).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  if (config.tls !== undefined) watchCertificate(served.server, config.tls, log);
  for (const { name, verifyTls } of deps.scanners) {
    if (verifyTls === false) {
      log.warn(
        { scanner: name },
        'the certificate of the scanner is NOT verified: its verdicts can be forged (DSXA_VERIFY_TLS=off)',
      );
    }
  }
  const scheme = config.tls === undefined ? 'http' : 'https';
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const address = `${scheme}://${host}:${served.port}`;

  const stop = (why: string): void => {
    if (stopping.signal.aborted) return;
    log.info(`stopping: ${why}`);
    stopping.abort();
    stopServing(served.server, GRACE_MS)
      .then(close)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'could not stop in good order');
          process.exit(1);
        },
      );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  // Whoever started this process with a channel ends it by closing the channel, also by dying.
  if (process.send !== undefined) process.once('disconnect', () => stop('the supervisor has gone'));

  log.info(
    { address, ledger: config.ledger.place, scanners: deps.scanners.map(({ name }) => name) },
    `the API listens on ${address}`,
  );
  process.send?.({ type: 'ready', address });
}

main().catch((error: unknown) => {
  const expected = error instanceof ListenError || error instanceof ConfigError || error instanceof CodedError;
  process.stderr.write(`dsx-connect api: ${expected ? error.message : ((error as Error)?.stack ?? String(error))}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
