import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Stack } from '../../cli/stack/contract.ts';
import { stacks } from '../../cli/stack/stacks.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface BenchStack {
  readonly stack: Stack;
  readonly home: string;
  /** Where the stack's stand-in answers. */
  readonly scannerUrl: string;
  /** The environment in which `./dsx` finds this stack. */
  readonly env: NodeJS.ProcessEnv;
  readonly dsx: (...args: string[]) => string[];
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
 */
export async function benchStack(name: string, env: Record<string, string> = {}): Promise<BenchStack> {
  const home = path.join(benchHome(), `${name}-${process.pid}`);
  const variables = { ...process.env, STANDIN_REQUEST_LOG: '', ...env };
  const stack = await stacks.start({ home, env: variables, isolated: true, say: (line) => console.error(line) });
  const scannerUrl = await standinOf(home);
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
    stop: () => stacks.stop(home),
  };
}

async function standinOf(home: string): Promise<string> {
  const { readState } = await import('../../cli/stack/state.ts');
  const part = readState(home)?.parts.find((one) => one.part === 'standin');
  if (part?.address === undefined) throw new Error('the stack has no stand-in');
  return part.address;
}
