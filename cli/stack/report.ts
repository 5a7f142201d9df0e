import { readFileSync } from 'node:fs';
import { API_PREFIX } from '../../api/contract.ts';
import { messageOf } from '../../domain/errors.ts';
import { apiFetch } from '../api-trust.ts';
import { externalProblems } from './externals.ts';
import { livingState } from './leftovers.ts';
import { temporalProblem, valkeyPid } from './probes.ts';
import { isAlive } from './process-id.ts';
import { type PartState, readState, type StackState } from './state.ts';

const TIMEOUT_MS = 5_000;

/** What `status --json` prints. */
export interface StackReport {
  readonly home: string;
  readonly up: boolean;
  readonly phase?: StackState['phase'];
  readonly since?: string;
  readonly pid?: number;
  readonly parts: readonly PartReport[];
  readonly absent: StackState['absent'];
  readonly api?: string;
  readonly temporalUi?: string;
  readonly ledger?: string;
  readonly scanners: readonly string[];
  /** One line each; empty when all is well. */
  readonly problems: readonly string[];
}

export interface PartReport extends Omit<PartState, 'process'> {
  readonly pid?: number;
}

/** Looks at the stack of a home and asks each part how it is. */
export async function readReport(home: string): Promise<StackReport> {
  const state = livingState(home);
  if (state === undefined) {
    const left = (readState(home)?.parts ?? []).filter((part) => isAlive(part.process)).map((part) => part.name);
    const problems =
      left.length > 0
        ? [`the supervisor was killed and left ${left.join(', ')} running: \`dsx up\` or \`dsx down\` ends them`]
        : [];
    return { home, up: false, parts: [], absent: [], scanners: [], problems };
  }
  return {
    home,
    up: state.phase === 'up',
    phase: state.phase,
    since: state.since,
    pid: state.supervisor.pid,
    parts: state.parts.map(({ process, ...part }) => ({ ...part, pid: process?.pid })),
    absent: state.absent,
    api: state.api,
    temporalUi: state.temporalUi,
    ledger: state.ledger,
    scanners: state.scanners,
    problems: (
      await Promise.all([...state.parts.map(partProblems), externalProblems(state.external), apiProblems(state)])
    ).flat(),
  };
}

async function partProblems(part: PartState): Promise<string[]> {
  if (part.origin === 'external') return [];
  if (part.condition !== 'up')
    return [`${part.name} is ${part.condition}${part.problem ? `: ${part.problem.text}` : ''}`];
  if (!isAlive(part.process)) return [`${part.name} has just ended`];
  if (part.part === 'temporal' && part.address) {
    const problem = await temporalProblem(part.address, 'default', TIMEOUT_MS);
    return problem === undefined ? [] : [`temporal does not answer on ${part.address}: ${problem}`];
  }
  if (part.part === 'valkey' && part.address) {
    const pid = await valkeyPid(Number(new URL(part.address).port), TIMEOUT_MS);
    return pid === part.process?.pid ? [] : [`valkey does not answer on ${part.address}`];
  }
  return [];
}

/** What the API says is wrong: `readyz` has one check for each thing that it works with. */
async function apiProblems(state: StackState): Promise<string[]> {
  const part = state.parts.find((one) => one.part === 'api');
  if (state.api === undefined || part?.condition !== 'up') return [];
  try {
    const key = state.apiKeyFile === undefined ? undefined : readFileSync(state.apiKeyFile, 'utf8').trim();
    const answer = await apiFetch()(`${state.api}${API_PREFIX}/readyz`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    const checks = failedChecks(await answer.text());
    if (answer.ok || checks.length > 0) return checks;
    return [`the API is not ready: it answers with HTTP ${answer.status}`];
  } catch (error) {
    return [`the API does not answer on ${state.api}: ${messageOf(error)}`];
  }
}

function failedChecks(body: string): string[] {
  try {
    const { checks } = JSON.parse(body) as { checks?: readonly { name: string; state: string; detail: string }[] };
    return (checks ?? []).filter(({ state }) => state === 'problem').map(({ name, detail }) => `${name}: ${detail}`);
  } catch {
    return [];
  }
}
