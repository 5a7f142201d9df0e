import { spawn } from 'node:child_process';

export interface Run {
  readonly seconds: number;
  readonly output: string;
}

/** Runs a command to its end and times it from outside. @throws when it ends with a code that is not expected */
export async function timed(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  expect: readonly number[] = [0],
): Promise<Run> {
  const [file = '', ...args] = command;
  const began = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const seconds = (performance.now() - began) / 1000;
  if (code === null || !expect.includes(code)) {
    throw new Error(`${command.join(' ')} ended with ${code}\n${errors.slice(-2000)}`);
  }
  return { seconds, output };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
