import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';
import { withClaim } from './claim.ts';
import type { Stack, StackOptions, Stacks } from './contract.ts';
import { clearLeftovers, livingState } from './leftovers.ts';
import { lastLine, rotate, sizeOf } from './logs.ts';
import type { StartMessage, SupervisorMessage } from './messages.ts';
import { prepareHome } from './prepare-home.ts';
import { signal, waitForEnd } from './process-id.ts';
import { logFile, readState, type StackState } from './state.ts';

/** A worker may take its grace time, and then the servers below it theirs. */
const STOP_WITHIN_MS = 90_000;
const CHANGE_WITHIN_MS = 120_000;

export const stacks: Stacks = { find, start, stop };

async function find(home: string): Promise<Stack | undefined> {
  const state = await settledState(home);
  // One without an API (`up --only …`) is of no use to the commands that look for a stack.
  return state?.api === undefined ? undefined : asStack(home, state);
}

async function start(options: StackOptions): Promise<Stack> {
  prepareHome(options.home);
  await launch(options);
  const state = livingState(options.home);
  if (state === undefined)
    throw new CliError(
      'internal',
      'stack_gone',
      `the stack ended right after its start (see ${logFile(options.home, 'supervisor')})`,
    );
  return asStack(options.home, state);
}

async function stop(home: string): Promise<void> {
  const state = livingState(home);
  if (state !== undefined) {
    signal(state.supervisor, 'SIGTERM');
    if (!(await waitForEnd(state.supervisor, STOP_WITHIN_MS))) {
      signal(state.supervisor, 'SIGKILL');
      await waitForEnd(state.supervisor, 5_000);
    }
  }
  if (readState(home) !== undefined) await withClaim(home, () => clearLeftovers(home, () => undefined));
}

/** The state of the stack that is up, after waiting for one that is being started or stopped; clears away a dead one. */
async function settledState(home: string): Promise<StackState | undefined> {
  const end = Date.now() + CHANGE_WITHIN_MS;
  for (;;) {
    const state = livingState(home);
    if (state === undefined) break;
    if (state.phase === 'up') return state;
    if (Date.now() > end) return undefined;
    await pause(100);
  }
  if (readState(home) !== undefined) await withClaim(home, () => clearLeftovers(home, () => undefined));
  return undefined;
}

/** Starts the supervisor and follows it until the stack is up. @throws CliError as the supervisor tells it */
async function launch({ say, env, ...options }: StackOptions): Promise<void> {
  const log = logFile(options.home, 'supervisor');
  let supervisor: ChildProcess;
  let from: number;
  try {
    rotate(log);
    from = sizeOf(log);
    const out = openSync(log, 'a', 0o600);
    try {
      supervisor = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'supervisor.ts')],
        {
          detached: true,
          cwd: options.home,
          env: {
            ...env,
            DSX_HOME: options.home,
            DSX_CONFIG: configFile(options.home, env.DSX_CONFIG),
          } as NodeJS.ProcessEnv,
          stdio: ['ignore', out, out, 'ipc'],
        },
      );
    } finally {
      closeSync(out);
    }
  } catch (error) {
    throw new CliError('failed', 'no_log', `cannot write ${log}: ${messageOf(error)}`, { cause: error });
  }
  const message: StartMessage = { type: 'start', options };
  await new Promise<void>((resolve, reject) => {
    let failure: CliError | undefined;
    supervisor.on('message', (told: SupervisorMessage) => {
      if (told.type === 'say') say?.(told.line);
      else if (told.type === 'failed') failure = new CliError(told.exit, told.code, told.message);
      else resolve();
    });
    supervisor.once('error', reject);
    supervisor.once('exit', () => {
      const why = lastLine(log, from) ?? 'it says nothing';
      reject(
        failure ??
          new CliError('internal', 'supervisor_ended', `the supervisor of the stack ended: ${why} (see ${log})`),
      );
    });
    supervisor.send(message, (error) => {
      if (error) reject(error);
    });
  });
  supervisor.removeAllListeners();
  supervisor.disconnect();
  supervisor.unref();
}

/**
 * The configuration file as it is found from here, because the parts run in another folder: the one that is named, else the
 * one in the home, else the one in the working folder.
 */
function configFile(home: string, named: string | undefined): string | undefined {
  if (named) return path.resolve(named);
  return [path.join(home, 'dsx-connect.yaml'), path.resolve('dsx-connect.yaml')].find((file) => existsSync(file));
}

function asStack(home: string, state: StackState): Stack {
  return {
    home,
    api: state.api ?? '',
    apiKey: state.apiKeyFile === undefined ? undefined : readKey(state.apiKeyFile),
    temporalAddress: state.temporalAddress ?? '',
    temporalUi: state.temporalUi,
    redisUrl: state.redisUrl,
    ledger: state.ledger,
    scanners: state.scanners,
    standing: state.standing,
  };
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CliError(
      'failed',
      'unreadable_api_key',
      `cannot read the API key in ${file} (DSXCONNECT_API_KEY_FILE): ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
