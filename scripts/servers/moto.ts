import { installPart } from '../install/part.ts';
import { freePorts } from './ports.ts';
import type { S3Server } from './seaweedfs.ts';
import { startTied } from './tied.ts';

/** Python loads a lot. */
const READY_MS = 120_000;

/**
 * Starts moto on a free port of 127.0.0.1, installing it first where it is missing. It keeps everything in memory, takes any keys, and
 * compares no condition of a copy. It ends with this process.
 * @throws Error with what it said
 */
export async function startMoto(): Promise<S3Server> {
  const folder = await installPart('moto');
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startTied(
    'moto',
    () => ({
      file: 'python3',
      args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
      env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
    }),
    async () => {
      try {
        return (await fetch(`${endpoint}/moto-api/`)).ok;
      } catch {
        return false;
      }
    },
    READY_MS,
  );
  return { endpoint, accessKeyId: 'dsx-test', secretAccessKey: 'dsx-test-secret', stop: server.stop };
}
