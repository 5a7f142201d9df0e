import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import type { Part } from './contract.ts';
import type { External } from './plan.ts';
import type { ProcessId } from './process-id.ts';

export interface Problem {
  readonly at: string;
  readonly text: string;
}

/** One part as the supervisor sees it. Several workers are several of these. */
export interface PartState {
  /** `temporal`, `worker`, `worker-2`, … */
  readonly name: string;
  readonly part: Part;
  /** `external` parts are named by the environment: checked, never started or ended. */
  readonly origin: 'own' | 'external';
  readonly condition: 'starting' | 'up' | 'restarting' | 'stopping' | 'stopped';
  readonly process?: ProcessId;
  /** Where it is reached: host:port, or a URL without credentials. */
  readonly address?: string;
  readonly since?: string;
  readonly restarts: number;
  /** The last thing that went wrong. */
  readonly problem?: Problem;
  readonly log?: string;
}

/** What `stack/state.json` of a home says about the stack that runs there. */
export interface StackState {
  readonly version: 1;
  readonly phase: 'starting' | 'up' | 'stopping';
  readonly supervisor: ProcessId;
  readonly since: string;
  readonly standing: boolean;
  readonly parts: readonly PartState[];
  /** Parts that this stack does without, and why. */
  readonly absent: readonly { readonly part: Part; readonly why: string }[];
  readonly api?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  /** What the environment named, for checking it again. May hold a password, and is never printed. */
  readonly external: External;
  readonly temporalAddress?: string | undefined;
  readonly temporalUi?: string | undefined;
  /** May hold a password: the file is for its owner alone, and this is never printed. */
  readonly redisUrl?: string | undefined;
  readonly ledger: string;
  readonly scanners: readonly string[];
}

export const stateFile = (home: string): string => path.join(home, 'stack', 'state.json');
export const logFile = (home: string, name: string): string => path.join(home, 'logs', `${name}.log`);

/** The state that was last written, or undefined where there is none or it cannot be made out. */
export function readState(home: string): StackState | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(home), 'utf8')) as StackState;
    return state.version === 1 ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR')
      return undefined;
    throw error;
  }
}

/** Replaces the state in one step. @throws the system's error, as on a full disk */
export function writeState(home: string, state: StackState): void {
  const file = stateFile(home);
  const next = `${file}.${process.pid}`;
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(next, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

export function removeState(home: string): void {
  rmSync(stateFile(home), { force: true });
}
