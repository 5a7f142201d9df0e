import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { ROOT } from '../home.ts';

export function register(program: Command): void {
  program
    .command('scanner')
    .description(
      'Runs the stand-in scanner alone, in the foreground, until Ctrl-C. It is for trying and testing: no malware scanner.',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', '5000')
    .action(scanner);
}

async function scanner(options: { readonly host: string; readonly port: string }): Promise<void> {
  const port = Number(options.port);
  if (!/^\d+$/.test(options.port) || port > 65_535) {
    throw new CliError('usage', 'bad_port', `--port ${options.port} is no port: give a number from 0 to 65535`);
  }
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(ROOT, 'scanner/standin/main.ts')],
    {
      env: { ...process.env, STANDIN_HOST: options.host, STANDIN_PORT: options.port },
      // The channel closes when this process is gone, however it went; the scanner then ends too.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    },
  );
  // The terminal sends Ctrl-C to both; this one waits until the scanner has ended.
  const forward = (name: NodeJS.Signals) => child.kill(name);
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', forward);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => {
      process.exitCode = by === null ? (code ?? EXIT.internal) : EXIT.ok;
      resolve();
    });
  });
}
