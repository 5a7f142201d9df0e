import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Part, Stack } from '../../cli/stack/contract.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { readState } from '../../cli/stack/state.ts';
import { cleanly } from './cleanup.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface BenchStack {
  readonly stack: Stack;
  readonly home: string;
  /** Where the stack's stand-in answers; empty where it has none. */
  readonly scannerUrl: string;
  /** The environment in which `./dsx` finds this stack. */
  readonly env: NodeJS.ProcessEnv;
  readonly dsx: (...args: string[]) => string[];
  /** The process of a part. @throws when it is not the one that was started */
  pidOf(part: Part): number;
  stop(): Promise<void>;
}

/** Where corpora are kept between benchmarks. */
export function benchHome(): string {
  const home = path.join(tmpdir(), 'dsx-bench');
  mkdirSync(home, { recursive: true });
  return home;
}

/**
 * Starts a stack of its own, whose stand-in writes no request log: that is a cost of tests, not of a scanner.
 * @param name of its folder of state, made anew
 * @param env settings of the stack's processes, such as STANDIN_LATENCY_MS
 * @param only the parts that it has; all where none are named
 */
export async function benchStack(
  name: string,
  env: Record<string, string> = {},
  only?: readonly Part[],
): Promise<BenchStack> {
  const home = homeOf(name);
  const variables = { ...process.env, STANDIN_REQUEST_LOG: '', ...env };
  const say = (line: string) => console.error(line);
  const stack = await stacks.start({ home, env: variables, isolated: true, say, ...(only && { only }) });
  const scannerUrl = readState(home)?.parts.find((one) => one.part === 'standin')?.address ?? '';
  return {
    stack,
    home,
    scannerUrl,
    env: {
      ...process.env,
      DSX_HOME: home,
      TEMPORAL_ADDRESS: undefined,
      REDIS_URL: undefined,
      DSXA_SCANNER_URL: undefined,
    },
    dsx: (...args) => [path.join(ROOT, 'dsx'), ...args],
    pidOf: (part) => pidOf(home, part),
    stop: () => stacks.stop(home),
  };
}

/** Works with a stack of its own, and leaves nothing of it, whether the work succeeds, fails or is interrupted. */
export async function withBenchStack<T>(
  name: string,
  only: readonly Part[],
  work: (plant: BenchStack) => Promise<T>,
): Promise<T> {
  const home = homeOf(name);
  const clear = async () => {
    await stacks.stop(home);
    rmSync(home, { recursive: true, force: true });
  };
  return await cleanly(clear, async () => work(await benchStack(name, {}, only)));
}

function homeOf(name: string): string {
  return path.join(benchHome(), `${name}-${process.pid}`);
}

function pidOf(home: string, part: Part): number {
  const found = readState(home)?.parts.find((one) => one.part === part);
  if (found?.process === undefined) throw new Error(`the stack has no ${part}`);
  if (found.restarts > 0) throw new Error(`the ${part} was started again in the middle: ${found.problem?.text}`);
  return found.process.pid;
}
