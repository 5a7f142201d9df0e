import { optionsFromEnv } from './options.ts';
import { STANDIN_BANNER, startStandin } from './server.ts';

/**
 * The stand-in as a process, set up by `STANDIN_*` (see the README). To a parent it sends `{type: 'ready', port}`, and ends
 * when the parent lets go of it. Exit code 0 after SIGTERM or SIGINT, 2 for a setting that is wrong, 1 if it cannot listen.
 */
async function main(): Promise<number | undefined> {
  let options: ReturnType<typeof optionsFromEnv>;
  try {
    options = optionsFromEnv(process.env);
  } catch (error) {
    console.error(`stand-in: ${(error as Error).message}`);
    return 2;
  }
  try {
    const standin = await startStandin(options);
    console.log(`${STANDIN_BANNER}\nListening on ${standin.url}`);
    const end = (): void => {
      void standin.stop().then(() => process.exit(0));
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    process.once('disconnect', end);
    process.send?.({ type: 'ready', port: standin.port, url: standin.url });
    return undefined;
  } catch (error) {
    console.error(
      `stand-in: cannot start on ${options.host ?? '127.0.0.1'}:${options.port ?? 0}: ${(error as Error).message}`,
    );
    return 1;
  }
}

const code = await main();
if (code !== undefined) process.exit(code);
