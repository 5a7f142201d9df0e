import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';

/**
 * Runs the arguments behind the first, which is a folder. Ends them once nobody holds our standard input open any more, whatever became
 * of that process, and then removes the folder, and what `DSX_LEAVES` names (paths without spaces).
 */
const TIE = `
folder=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
(cat <&3 >/dev/null; kill -9 $child) 2>/dev/null &
exec 3<&-
wait $child
code=$?
kill -9 $! 2>/dev/null
rm -rf "$folder" $DSX_LEAVES
exit $code
`;

/** A server of a test: it ends with this process, and keeps its state in a temporary folder that goes with it. */
export interface Tied {
  readonly folder: string;
  /** What it said so far. */
  output(): string;
  /** Resolves when it has ended. */
  readonly gone: Promise<void>;
  stop(): Promise<void>;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it leaves behind outside of its folder: absolute paths without spaces. */
  readonly leaves?: readonly string[];
}

const POLL_MS = 25;

/**
 * Starts a server in a folder of its own, and waits until it is ready.
 * @param ready tells whether it serves; asked again and again
 * @throws Error with what it said, when it ends instead or is not ready within `withinMs`
 */
export async function startTied(
  name: string,
  command: (folder: string) => Command,
  ready: () => Promise<boolean>,
  withinMs: number,
): Promise<Tied> {
  const folder = await mkdtemp(path.join(tmpdir(), `dsx-${name}-`));
  const { file, args, env, leaves = [] } = command(folder);
  const log = path.join(folder, 'output.log');
  const out = openSync(log, 'w', 0o600);
  const child = spawn('/bin/sh', ['-c', TIE, 'sh', folder, file, ...args], {
    cwd: folder,
    env: { ...process.env, HOME: folder, TMPDIR: folder, DSX_LEAVES: leaves.join(' '), ...env },
    stdio: ['pipe', out, out],
  });
  closeSync(out);
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      ended = true;
      resolve();
    };
    child.once('error', end);
    child.once('exit', end);
  });
  const tie = child.stdin as Writable;
  tie.on('error', () => undefined);
  let said = '';
  const output = () => {
    try {
      said = readFileSync(log, 'utf8');
    } catch {
      // It went with its folder.
    }
    return said;
  };
  const stop = async () => {
    tie.destroy();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + withinMs;
  while (!(await ready())) {
    output();
    if (ended || Date.now() > deadline) {
      await stop();
      throw new Error(`${name} ${ended ? 'ended' : `was not ready within ${withinMs} ms`}:\n${said.slice(-4_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { folder, output, gone, stop };
}
