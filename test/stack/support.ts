import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from '../../cli/home.ts';
import { stacks } from '../../cli/stack/stacks.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a user who has set nothing for dsx-connect. */
export function plainEnv(more: Record<string, string> = {}): Record<string, string | undefined> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'DSX_TEMPORAL', 'DSX_VALKEY'];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), ...more };
}

/** Runs `dsx` behind its launcher, in an empty folder so that no `.env` or configuration file of anybody is read. */
export function dsx(home: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', path.join(ROOT, 'cli/main.ts'), ...args],
      { cwd: tmpdir(), env: plainEnv({ DSX_HOME: home, ...env }) as NodeJS.ProcessEnv },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** A folder that does not exist yet below one that is removed at the end, with whatever runs in it. */
export function tempHome(): { folder: string; home: string; remove(): Promise<void> } {
  const folder = mkdtempSync(path.join(tmpdir(), 'dsx-stack-'));
  const home = path.join(folder, 'state of dsx');
  return {
    folder,
    home,
    async remove() {
      await stacks.stop(home);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server on a free port of loopback that accepts connections and says nothing. */
export async function mute(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port of loopback on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await mute();
  await server.close();
  return server.port;
}
