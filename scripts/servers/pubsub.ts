import { readFileSync } from 'node:fs';
import path from 'node:path';
import { builtWithGo } from '../install/go.ts';
import { startTied } from './tied.ts';

const READY_MS = 30_000;

export interface PubSubServer {
  /** `127.0.0.1:PORT`, without TLS and without a login. */
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Starts Google's in-memory Pub/Sub on a free port of 127.0.0.1, building it first where it is missing. It pulls and redelivers; push
 * subscriptions deliver nothing. It ends with this process.
 * @throws Error naming what pip, Go or the server said
 */
export async function startPubSub(): Promise<PubSubServer> {
  const binary = await builtWithGo('pubsub');
  let address: string | undefined;
  let log = '';
  const server = await startTied(
    'pubsub',
    (folder) => {
      log = path.join(folder, 'output.log');
      return { file: binary, args: [] };
    },
    async () => {
      address = /^(?:127\.0\.0\.1|\[::1?\]|localhost):(\d+)$/m.exec(readFileSync(log, 'utf8'))?.[0];
      return address !== undefined;
    },
    READY_MS,
  );
  return { address: address as unknown as string, stop: server.stop };
}
