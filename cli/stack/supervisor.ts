/**
 * The process that keeps the embedded stack running. `stacks.start` starts it with a channel, on which it is told what to
 * start and tells how that goes; when the stack is up the channel closes and it goes on alone, until SIGTERM. Should the
 * command that started it end before that, everything is ended again.
 */
import { messageOf, systemCode } from '../../domain/errors.ts';
import { CliError, EXIT, type ExitName } from '../errors.ts';
import { dsxHome } from '../home.ts';
import type { StartMessage, SupervisorMessage } from './messages.ts';
import { Supervision } from './supervision.ts';

let supervision: Supervision | undefined;
let ending: Promise<void> | undefined;

function log(line: string): void {
  try {
    process.stdout.write(`${new Date().toISOString()} ${line}\n`);
  } catch {
    // A full disk must not end the stack.
  }
}

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}

function end(code: number): Promise<void> {
  ending ??= (async () => {
    await supervision?.stop();
    process.exit(code);
  })();
  return ending;
}

async function start({ options }: StartMessage): Promise<void> {
  const say = (line: string) => {
    log(line);
    tell({ type: 'say', line });
  };
  try {
    supervision = new Supervision({ ...options, env: process.env, say });
    await supervision.start();
    log('the stack is up');
    tell({ type: 'up' });
  } catch (error) {
    const failure = asFailure(error, options.home);
    log(failure.message);
    if (!(error instanceof CliError) && error instanceof Error) log(error.stack ?? '');
    await supervision?.stop();
    if (process.connected) await new Promise((sent) => process.send?.(failure, sent));
    process.exit(EXIT[failure.exit]);
  }
}

function asFailure(error: unknown, home: string): Extract<SupervisorMessage, { type: 'failed' }> {
  if (error instanceof CliError) {
    const exit = (Object.keys(EXIT) as ExitName[]).find((name) => EXIT[name] === error.exit);
    return {
      type: 'failed',
      exit: exit === undefined || exit === 'ok' ? 'internal' : exit,
      code: error.code,
      message: error.message,
    };
  }
  if (systemCode(error) === 'ENOSPC') {
    return {
      type: 'failed',
      exit: 'failed',
      code: 'disk_full',
      message: `the disk that holds ${home} is full: make room, or set DSX_HOME to a folder elsewhere`,
    };
  }
  return { type: 'failed', exit: 'failed', code: 'part_failed', message: messageOf(error) };
}

process.title = `dsx-supervisor ${dsxHome()}`;
// A failure to write the log, as on a full disk, must not end the stack.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => {
  log('asked to stop');
  void end(0);
});
process.on('disconnect', () => {
  if (supervision?.isUp) return;
  log('the command that started this stack ended before it was up');
  void end(0);
});
process.on('uncaughtException', (error) => {
  log(`the supervisor failed: ${error.stack ?? error.message}`);
  void end(EXIT.internal);
});
process.on('message', (message: StartMessage) => void start(message));
// Without a channel nobody has told it what to start.
if (!process.connected) process.exit(EXIT.usage);
