import { spawn } from 'node:child_process';
import { Connection } from '@temporalio/client';
import { temporalBinary } from '../../cli/stack/binaries.ts';
import { freePort } from '../../cli/stack/ports.ts';
import { dynamicConfigArguments } from '../../cli/stack/temporal-config.ts';
import { SEARCH_ATTRIBUTE } from '../../workflows/messages.ts';

export interface TemporalServer {
  readonly address: string;
  readonly pid: number;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const READY_MS = 30_000;

/** A real server of its own, on free ports of 127.0.0.1, in memory unless a database file is named. */
export async function startTemporal(
  options: { dbFile?: string; port?: number; dynamicConfig?: readonly string[] } = {},
): Promise<TemporalServer> {
  const taken = new Set<number>();
  const port = options.port ?? (await freePort('127.0.0.1', taken));
  const attributes = Object.values(SEARCH_ATTRIBUTE).flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  const child = spawn(
    temporalBinary(),
    [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
      ...dynamicConfigArguments(options.dynamicConfig),
      ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
      ...attributes,
    ],
    { stdio: 'ignore' },
  );
  // A test that failed before it could stop the server neither waits for it nor leaves it behind.
  child.unref();
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const address = `127.0.0.1:${port}`;
  await untilReady(address, Date.now() + READY_MS);
  return {
    address,
    pid: child.pid ?? -1,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await gone;
    },
  };
}

/** Ready when the namespace answers, not when the port is open. */
async function untilReady(address: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '1s' });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
